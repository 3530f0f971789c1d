"""The REST API and the console: thin routes over the running estate."""
