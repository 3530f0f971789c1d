"""
The catalogue of codes: one line for each kind of finding, and a page of the same name in docs/errors.

CL0xx syntax · CL1xx names and types · CL2xx safety, strata and style · CL3xx
conflicts · CL4xx tables, files and source definitions · CL5xx evaluation.
A code is never given a second meaning; a test holds this list against the
pages and against the code.
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "CL001": "a token that does not fit",
    "CL002": "a statement without an end",
    "CL003": "no white space after the end of a statement",
    "CL004": "a string without an end",
    "CL005": "a comment without an end",
    "CL006": "a bracket without its partner",
    "CL007": "a character or an operator that the language does not have",
    "CL008": "an escape that stands for no character",
    "CL009": "a malformed number",
    "CL010": "a number that is too big",
    "CL011": "a literal or a call where a value is expected",
    "CL012": "a value where a literal is expected",
    "CL013": "two comparisons in one literal",
    "CL014": "an aggregate where none may stand",
    "CL015": "a negation of more than one literal",
    "CL016": "a list that does not hold constants only",
    "CL017": "an argument by place after one by column",
    "CL018": "no column before `=`",
    "CL019": "an unknown modal",
    "CL020": "a malformed declaration",
    "CL021": "a malformed annotation",
    "CL022": "a column without a known type",
    "CL023": "a malformed domain",
    "CL025": "nested too deeply",
    "CL026": "nothing where something is expected",
    "CL027": "a reserved word as a name",
    "CL028": "a missing comma",
    "CL029": "several heads",
    "CL030": "a head that is no atom",
    "CL041": "a text that is no YAML",
    "CL042": "a YAML policy of the wrong shape",
    "CL043": "an unknown key in a YAML policy",
    "CL450": "a policy file that cannot be read",
    "CL451": "a policy file that is not UTF-8",
    "CL452": "a folder without policies",
    "CL453": "a policy file given more than once",
    "CL454": "a file of another kind",
    "CL460": "a file of tests that is no list of tests",
    "CL461": "a malformed test",
    "CL462": "malformed tables or rows in a test",
    "CL463": "an unknown column in a test",
    "CL464": "a value in a test that its column does not take",
    "CL465": "an unknown table in a test",
    "CL466": "tests without a policy",
    "CL467": "a test that checks nothing",
    "CL510": "no verdict from the reference engine in time",
    "CL511": "the reference engine is not installed",
    "CL512": "the reference engine failed",
}
