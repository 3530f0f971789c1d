"""
The catalogue of codes: one line for each kind of finding, and a page of the same name in docs/errors.

CL0xx syntax · CL1xx names and types · CL2xx safety, strata and style · CL3xx
conflicts · CL4xx tables, files and source definitions · CL5xx evaluation.
A code is never given a second meaning; a test holds this list against the
pages and against the code.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "CL510": "no verdict from the reference engine in time",
    "CL511": "the reference engine is not installed",
    "CL512": "the reference engine failed",
}
