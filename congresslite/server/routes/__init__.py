"""
The operations of the REST API, one module for each kind of thing.

A route is thin: it reads models, asks the estate, writes models. Each module
has a function that makes its blueprint for one estate.
"""
