"""One configuration: what may be said, where it was said, and what of it is secret."""
