"""Requests to any service: what the executor `http` is made of."""
