"""
What goes over the wire, as pydantic models: unknown keys are errors, and every text and number has its bounds.

A reply is made from the same models that the OpenAPI document shows, so the
document cannot promise what the server does not send.
"""
