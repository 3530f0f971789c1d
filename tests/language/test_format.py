"""The canonical layout: what it looks like, and that it changes nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import Source
from congresslite.language.format import format_policy, normal_text
from congresslite.language.parser import parse_policy
from congresslite.language.syntax import PolicyFile, Rule
from tests.examples import few

GOLDEN = Path(__file__).with_name("golden")


def read(text: str) -> PolicyFile:
    """A text without mistakes."""
    file, findings = parse_policy(Source("test.dl", text))
    assert findings == (), text
    return file


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.glob("*.dl")))
def test_golden_layout(name: str) -> None:
    """Each policy of the golden folder is laid out as the file beside it shows."""
    formatted = format_policy(read((GOLDEN / name).read_text(encoding="utf-8")))
    assert formatted == (GOLDEN / name).with_suffix(".formatted").read_text(encoding="utf-8")
    assert format_policy(read(formatted)) == formatted


LAYOUTS = {
    "spaces": ("p( x ):-q(x ,y),x<y .", "p(x) :- q(x, y), x < y.\n"),
    "terminator": ("p(1);", "p(1).\n"),
    "not": ("p(x) :- q(x), NOT r(x), !s(x).", "p(x) :- q(x), not r(x), not s(x).\n"),
    "quotes": ("p('a', 'it\\'s', 'say \"a\"', '\\n').", 'p("a", \'it\\\'s\', \'say "a"\', "\\n").\n'),
    "other quotes stay": ("p('''a''', r'\\d', 'a''b').", "p('''a''', r'\\d', 'a''b').\n"),
    "numbers stay": ("p(0x1F, 1.50, - 1, 007.5).", "p(0x1F, 1.50, -1, 007.5).\n"),
    "no arguments": ("p :- q, not r.", "p() :- q(), not r().\n"),
    "columns": ("p(x) :- q(x, a = y, 3 = 1).", "p(x) :- q(x, a=y, 3=1).\n"),
    "a name with spaces": ("p(x) :- a : b(x).", "p(x) :- a:b(x).\n"),
    "needless parentheses": ("p(x) :- (q(x)), x = ((1 + 2) + (3 * y)).", "p(x) :- q(x), x = 1 + 2 + 3 * y.\n"),
    "parentheses that count": ("p(x) :- x = (1 + 2) * (3 - (4 - y)).", "p(x) :- x = (1 + 2) * (3 - (4 - y)).\n"),
    "or": ("p(x) :- q(x) or (r(x), s(x)).", "p(x) :- (q(x)) or (r(x), s(x)).\n"),
    "policy": ("policy a ( tier='x' ).", 'policy a(tier = "x").\n'),
    "policy without settings": ("policy a().", "policy a.\n"),
    "table": ("table a(x:int in 0..1 key, y : str).", "table a(x: int key in 0..1, y: str).\n"),
    "modal": ("execute [ a:b(x) ] :- q(x).", "execute[a:b(x)] :- q(x).\n"),
    "effects": ("p +(x) :- q(x).", "p+(x) :- q(x).\n"),
    "functional": ("functional q( v->c ).", "functional q(v -> c).\n"),
    "one line each": ("p(1). p(2).", "p(1).\np(2).\n"),
    "one blank line": ("\n\np(1).\n\n\n\np(2).\n\n", "p(1).\n\np(2).\n"),
    "windows line ends": ("p(1). // a\r\n\r\np(2).\r\n", "p(1).  // a\n\np(2).\n"),
    "nothing": ("\n\n", ""),
    "a comment alone": ("/* a */", "/* a */\n"),
    "a comment after the last literal": ("p(x) :- q(x) // a\n.", "p(x) :- q(x).  // a\n"),
    "a comment before the terminator": ("p(x) :- q(x)\n// a\n.", "p(x) :- q(x).\n// a\n"),
    "a comment before a comma": ("p(x) :- q(x) // a\n, r(x).", "p(x) :-\n    q(x),  // a\n    r(x).\n"),
    "a comment within an atom": ("p(x) :- q(/* a */ x), r(x).", "p(x) :-\n    /* a */\n    q(x),\n    r(x).\n"),
    "a comment after the arrow": ("p(x) :- // a\n q(x).", "p(x) :-  // a\n    q(x).\n"),
    "two comments on a line": ("p(1). /* a */ // b\n", "p(1).  /* a */  // b\n"),
    "a comment between two on a line": ("p(1). /* a */ p(2).", "p(1).  /* a */\np(2).\n"),
    "annotations": ('@id("a")\n@weight(3) p(x) :- q(x).', '@id("a") @weight(3)\np(x) :- q(x).\n'),
    "a comment after an annotation": ('@id("a") // a\n@weight(3) p(1).', '@id("a")  // a\n@weight(3)\np(1).\n'),
}


@pytest.mark.parametrize(("before", "after"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layout(before: str, after: str) -> None:
    """There is one way to lay out a statement, and what is laid out so stays as it is."""
    assert format_policy(read(before)) == after
    assert format_policy(read(after)) == after


NORMAL = {
    "white space and comments": ("p( x ):-q(x) /* a */ ,\n r(x).", "p(x) :- q(x), r(x)"),
    "annotations": ('@id("a") p(x) :- q(x).', "p(x) :- q(x)"),
    "quotes and numbers": ("p('a', 0x10, 1.0) :- q.", 'p("a", 16, 1) :- q()'),
    "escapes": ("p('''a\n\"b\"''', '\\x00é').", r'p("a\n\"b\"", "\x00é")'),
    "constants": ("p(true, null, 1.5e300, -0.5).", "p(true, null, 1.5e+300, -0.5)"),
    "negation": ("p(x) :- NOT q(x), !r.", "p(x) :- not q(x), not r()"),
    "the rest": (
        "execute[a:b(x)] :- (q(x)) or (r(x), x in [1,2]), s(x, k = (x + 1) * 2), _ != 3.",
        "execute[a:b(x)] :- (q(x)) or (r(x), x in [1, 2]), s(x, k=(x + 1) * 2), _ != 3",
    ),
}


@pytest.mark.parametrize(("text", "expected"), NORMAL.values(), ids=NORMAL.keys())
def test_normal_text(text: str, expected: str) -> None:
    """The identity of a rule depends on what it says, not on how it was written; and it can be read again."""
    (rule,) = read(text).statements
    assert isinstance(rule, Rule)
    assert normal_text(rule) == expected
    (again,) = read(f"{expected}.").statements
    assert isinstance(again, Rule)
    assert normal_text(again) == expected


# Policies as lists of tokens, with white space and comments strewn between them.

names = st.sampled_from(["x", "y", "vm.id", "table", "key", "count", "a_long_name_for_a_variable"])
tables = st.sampled_from(["p", "inv:vm", "nova:servers.tags", "policy", "builtin:plus", "a_table_with_a_long_name"])
constants = st.sampled_from(
    ["1", "-2", "0x1F", "1.50", "true", "null", '"a"', '"// no"', '"""a\nb"""', "'\"'", "r'\\d'"]
)
simple = names.map(lambda name: [name]) | constants.map(lambda text: [text]) | st.just(["_"])


def _sum(parts: tuple[list[str], str, list[str]]) -> list[str]:
    left, operator, right = parts
    return ["(", *left, ")", operator, *right]


def _joined(items: list[list[str]], separator: str = ",") -> list[str]:
    return [token for place, item in enumerate(items) for token in ([separator] if place else []) + item]


terms = st.recursive(simple, lambda inner: st.tuples(inner, st.sampled_from("+-*/%"), inner).map(_sum), max_leaves=4)
named = st.tuples(st.sampled_from(["a", "b.c", "2"]), terms).map(lambda pair: [pair[0], "=", *pair[1]])
arguments = st.tuples(st.lists(terms, max_size=3), st.lists(named, max_size=3)).map(
    lambda both: _joined(both[0] + both[1])
)
atoms = st.tuples(tables, arguments).map(lambda pair: [pair[0], "(", *pair[1], ")"])
relations = st.tuples(terms, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), terms).map(
    lambda parts: [*parts[0], parts[1], *parts[2]]
)
lists = st.lists(constants, min_size=1, max_size=3).map(lambda items: ["[", *_joined([[item] for item in items]), "]"])
members = st.tuples(terms, lists).map(lambda pair: [*pair[0], "in", *pair[1]])
plain = atoms | relations | members
negations = st.tuples(st.sampled_from(["not", "NOT", "!"]), plain).map(lambda pair: [pair[0], *pair[1]])


def _either(branches: list[list[list[str]]]) -> list[str]:
    return _joined([["(", *_joined(branch), ")"] for branch in branches], "or")


literals = st.recursive(
    plain | negations,
    lambda inner: st.lists(st.lists(inner, min_size=1, max_size=2), min_size=2, max_size=3).map(_either),
    max_leaves=5,
)
bodies = st.lists(literals, min_size=1, max_size=4).map(_joined)
heads = (
    atoms
    | atoms.map(lambda atom: ["execute", "[", *atom, "]"])
    | st.sampled_from([["p", "+", "(", "x", ")"], ["t", "(", "x", ",", "sum", "(", "y", ")", ")"]])
)
notes = st.lists(
    st.sampled_from([["@", "id", "(", '"a"', ")"], ["@", "object", "(", "x", ")"], ["@", "weight", "(", "-3", ")"]]),
    max_size=3,
).map(lambda found: [token for each in found for token in each])
rules = st.tuples(notes, heads, bodies).map(lambda parts: [*parts[0], *parts[1], ":-", *parts[2]])
others = st.sampled_from(
    [
        ["alarm"],
        ["p", "(", "1", ")"],
        ["policy", "a", "(", "tier", "=", '"x"', ",", "priority", "=", "-1", ")"],
        ["table", "t", "(", "x:int", "key", "in", "0", "..", "9", ",", "y: str", "->", "inv:host.id", ")"],
        ["incompatible", "a", "(", "v", ")", ",", "b", "(", "v", ")"],
        ["functional", "q", "(", "v", "->", "c", ")"],
    ]
)
blanks = st.sampled_from([" ", " ", " ", "\n", "\n\n", "  \n "]) | st.sampled_from(
    [" // one\n", "\n# two\n", " /* three */ ", "\n/* four\n   lines */\n", "\n\n// five\n\n"]
)


@st.composite
def policies(draw: Any) -> str:
    """The text of a policy without mistakes, however ugly."""
    pieces = [draw(blanks)]
    for statement in draw(st.lists(rules | others, max_size=4)):
        for token in [*statement, draw(st.sampled_from([".", ";"]))]:
            pieces.extend([token, draw(blanks)])
    return "".join(pieces)


@few(100)
@given(policies())
def test_formatting_changes_nothing(text: str) -> None:
    """What is formatted says the same, keeps every comment in order, and is formatted for good."""
    before = read(text)
    formatted = format_policy(before)
    after = read(formatted)
    assert after.statements == before.statements
    assert after.comments == before.comments
    assert format_policy(after) == formatted
    for one, other in zip(before.statements, after.statements, strict=True):
        if isinstance(one, Rule) and isinstance(other, Rule):
            assert normal_text(one) == normal_text(other)
