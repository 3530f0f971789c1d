"""
Asking a server: what the command line needs to be answered from elsewhere.

The rule to keep: what comes from a server becomes the values that the same
question has on this machine (findings, violations, proofs, schemas), and is
written by the same formats. Nothing that a server says is trusted: replies are
held against the models of the REST API, and their text is shown as text.
"""
