"""What is read from texts that are right."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from lark import Lark
from lark.lexer import Lexer

from congresslite.diagnostics import Source
from congresslite.language.parser import parse_policy, parse_query
from congresslite.language.syntax import (
    Aggregate,
    Annotation,
    Anonymous,
    Argument,
    Arithmetic,
    Atom,
    ColumnDeclaration,
    Comparison,
    Constant,
    Disjunction,
    Functional,
    Head,
    HeadTerm,
    Incompatible,
    Membership,
    Negation,
    PolicyDeclaration,
    Rule,
    Setting,
    TableDeclaration,
    TableName,
    Variable,
)
from congresslite.schema import Choice, Domain, Range, Scalar, Type

NOWHERE: Any = None  # spans are no part of a node's identity


def read(text: str) -> tuple[Any, ...]:
    """The statements of a text that has no mistakes."""
    file, findings = parse_policy(Source("test.dl", text))
    assert findings == ()
    return file.statements


def body(text: str) -> Any:
    """The literals of a query that has no mistakes."""
    found, findings = parse_query(Source("query", text))
    assert findings == ()
    return found


def var(name: str) -> Variable:
    return Variable(name, NOWHERE)


def const(value: Scalar, text: str | None = None) -> Constant:
    return Constant(value, str(value) if text is None else text, NOWHERE)


def arg(term: HeadTerm, column: str | int | None = None) -> Argument:
    return Argument(column, term, NOWHERE)


def atom(name: str, *terms: HeadTerm, qualifier: str | None = None, effect: Any = "", **columns: HeadTerm) -> Atom:
    arguments = [arg(term) for term in terms] + [arg(term, column) for column, term in columns.items()]
    return Atom(TableName(qualifier, name, effect, NOWHERE), tuple(arguments), NOWHERE)


def compare(operator: Any, left: Any, right: Any) -> Comparison:
    return Comparison(operator, left, right, NOWHERE)


def calc(operator: Any, left: Any, right: Any) -> Arithmetic:
    return Arithmetic(operator, left, right, NOWHERE)


def negated(literal: Any) -> Negation:
    return Negation(literal, NOWHERE)


def either(*branches: Any) -> Disjunction:
    return Disjunction(branches, NOWHERE)


x, y, z, one, two = var("x"), var("y"), var("z"), const(1), const(2)
p, q, r = atom("p", x), atom("q", x), atom("r", x)

BODIES = {
    "atom": ("p(x)", (p,)),
    "atom without arguments": ("p()", (atom("p"),)),
    "a name alone": ("p", (atom("p"),)),
    "a qualified name alone": ("a:p", (atom("p", qualifier="a"),)),
    "source": ("inv:vm(x)", (atom("vm", x, qualifier="inv"),)),
    "dotted table": ("nova:servers.tags(server_id=x)", (atom("servers.tags", qualifier="nova", server_id=x),)),
    "white space around a colon": ("inv : vm (x)", (atom("vm", x, qualifier="inv"),)),
    "two colons": ("a:b:c(x)", (atom("b:c", x, qualifier="a"),)),
    "builtin": ("builtin:plus(x, 1, y)", (atom("plus", x, one, y, qualifier="builtin"),)),
    "columns": ("p(x, a=y, b=1)", (atom("p", x, a=y, b=one),)),
    "dotted column": ("p(a.b=y)", (Atom(TableName(None, "p", "", NOWHERE), (arg(y, "a.b"),), NOWHERE),)),
    "numbered column": ("p(x, 2=y)", (Atom(TableName(None, "p", "", NOWHERE), (arg(x), arg(y, 2)), NOWHERE),)),
    "anonymous": ("p(_, x)", (atom("p", Anonymous(NOWHERE), x),)),
    "names like underscores": ("p(__, _x)", (atom("p", var("__"), var("_x")),)),
    "dotted variable": ("p(vm.id)", (atom("p", var("vm.id")),)),
    "a part of a name may begin with a digit": ("a.1b(x)", (atom("a.1b", x),)),
    "terms of an atom": ("p(x + 1, a = y * 2)", (atom("p", calc("+", x, one), a=calc("*", y, two)),)),
    "two literals": ("p(x), q(x)", (p, q)),
    "not": ("not p(x)", (negated(p),)),
    "NOT": ("NOT p(x)", (negated(p),)),
    "exclamation mark": ("!p(x)", (negated(p),)),
    "exclamation mark and space": ("! p(x)", (negated(p),)),
    "not a comparison": ("not x < 1", (negated(compare("<", x, one)),)),
    "not a membership": ("not x in [1]", (negated(Membership(x, (one,), NOWHERE)),)),
    "not a name": ("not p", (negated(atom("p")),)),
    "not in parentheses": ("not (p(x))", (negated(p),)),
    "not without space": ("not(p(x))", (negated(p),)),
    "equal": ("x = 1", (compare("=", x, one),)),
    "unequal": ("x != y", (compare("!=", x, y),)),
    "unequal without spaces": ("x!=y", (compare("!=", x, y),)),
    "less": ("x < 1", (compare("<", x, one),)),
    "at most": ("x <= 1", (compare("<=", x, one),)),
    "greater": ("x > 1", (compare(">", x, one),)),
    "at least": ("x >= 1", (compare(">=", x, one),)),
    "less than a negative number": ("x<-1", (compare("<", x, const(-1)),)),
    "constant first": ("1 < x", (compare("<", one, x),)),
    "anonymous in a comparison": ("_ = x", (compare("=", Anonymous(NOWHERE), x),)),
    "member": ('x in ["a", 1, -2, true, null]', (
        Membership(x, (const("a", '"a"'), one, const(-2), const(True, "true"), const(None, "null")), NOWHERE),
    )),
    "member of a sum": ("x + 1 in [1]", (Membership(calc("+", x, one), (one,), NOWHERE),)),
    "product before sum": ("x = 1 + 2 * y", (compare("=", x, calc("+", one, calc("*", two, y))),)),
    "product before difference": ("x = 1 * 2 - y", (compare("=", x, calc("-", calc("*", one, two), y)),)),
    "left to right": ("x = 1 - 2 - y", (compare("=", x, calc("-", calc("-", one, two), y)),)),
    "left to right for quotients": ("x = 1 / 2 % y", (compare("=", x, calc("%", calc("/", one, two), y)),)),
    "parentheses": ("x = (1 + 2) * y", (compare("=", x, calc("*", calc("+", one, two), y)),)),
    "parentheses on the right": ("x = 1 - (2 - y)", (compare("=", x, calc("-", one, calc("-", two, y))),)),
    "parentheses first": ("(x + 1) * 2 > y", (compare(">", calc("*", calc("+", x, one), two), y),)),
    "sums on both sides": ("x + 1 < y - 1", (compare("<", calc("+", x, one), calc("-", y, one)),)),
    "a difference without spaces": ("y = x-1", (compare("=", y, calc("-", x, one)),)),
    "minus a negative number": ("y = x - -1", (compare("=", y, calc("-", x, const(-1))),)),
    "a quotient without spaces": ("y = x/2", (compare("=", y, calc("/", x, two)),)),
    "strings are joined": ('y = x + "a"', (compare("=", y, calc("+", x, const("a", '"a"'))),)),
    "or": ("(p(x)) or (q(x))", (either((p,), (q,)),)),
    "or of bare literals": ("p(x) or q(x)", (either((p,), (q,)),)),
    "or of three": ("(p(x)) or (q(x)) or (r(x))", (either((p,), (q,), (r,)),)),
    "or of bodies": ("(p(x), q(x)) or (r(x), x > 1)", (either((p, q), (r, compare(">", x, one))),)),
    "or before a comma": ("p(x), (q(x)) or (r(x))", (p, either((q,), (r,)))),
    "or after a comma": ("p(x) or q(x), r(x)", (either((p,), (q,)), r)),
    "or in parentheses": ("p(x), ((q(x)) or (r(x)))", (p, either((q,), (r,)))),
    "or within or": ("((p(x)) or (q(x))) or r(x)", (either((either((p,), (q,)),), (r,)),)),
    "not within or": ("not p(x) or not (q(x))", (either((negated(p),), (negated(q),)),)),
    "comparisons within or": ("(x = 1) or (x > y)", (either((compare("=", x, one),), (compare(">", x, y),)),)),
    "a group is part of its body": ("(p(x), q(x)), r(x)", (p, q, r)),
    "groups within groups": ("((p(x)), ((q(x)), r(x)))", (p, q, r)),
    "parentheses vanish": ("(((p(x))))", (p,)),
    "a name in parentheses": ("(p)", (atom("p"),)),
    "words of declarations are no keywords": (
        "table(x), policy(x), execute(x), key(x), count(x), int(x)",
        tuple(atom(name, x) for name in ("table", "policy", "execute", "key", "count", "int")),
    ),
    "aggregates are no keywords": ("sum(x, min, max)", (atom("sum", x, var("min"), var("max")),)),
    "a terminator is tolerated": ("p(x).", (p,)),
    "comments": ("p(x), // one\n q(x) /* two */ # three\n", (p, q)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BODIES.values(), ids=BODIES.keys())
def test_body(text: str, expected: Any) -> None:
    """A body means what the language says, in a query and in a rule alike."""
    assert body(text) == expected
    (rule,) = read(f"h(x) :- {text if not text.endswith(('.', '#')) else text[:-1]}\n.")
    assert rule.body == expected


CONSTANTS = {
    "integer": ("42", 42),
    "zero": ("0", 0),
    "zeros": ("00", 0),
    "negative": ("-42", -42),
    "negative with a space": ("- 42", -42, "-42"),
    "greatest": ("9223372036854775807", 2**63 - 1),
    "least": ("-9223372036854775808", -(2**63)),
    "beyond floats": ("9007199254740993", 2**53 + 1),
    "hexadecimal": ("0x1F", 31),
    "negative hexadecimal": ("-0x8000000000000000", -(2**63)),
    "octal": ("0o17", 15),
    "binary": ("0b101", 5),
    "big prefixes": ("0XfF", 255),
    "float": ("1.5", 1.5),
    "float without an integer part": (".5", 0.5),
    "negative float": ("-1.5", -1.5),
    "exponent": ("1e3", 1000),
    "signed exponent": ("1.5E-3", 0.0015),
    "float of integral value": ("2.0", 2),
    "float with leading zeros": ("007.50", 7.5),
    "big float": ("1e300", 1e300),
    "true": ("true", True),
    "false": ("false", False),
    "null": ("null", None),
    "string": ('"abc"', "abc"),
    "single quotes": ("'abc'", "abc"),
    "empty string": ('""', ""),
    "empty string in single quotes": ("''", ""),
    "triple quotes": ('"""a "b" c"""', 'a "b" c'),
    "triple single quotes": ("'''it's\nso'''", "it's\nso"),
    "empty triple quotes": ('""""""', ""),
    "quotes of the other kind": ("""'say "a"'""", 'say "a"'),
    "escapes": (r'"\t\n\r\a\b\f\v\\\'\""', "\t\n\r\a\b\f\v\\'\""),
    "numbered escapes": (r'"\x41\u00e9\U0001F600\101\0"', "Aé😀A\0"),
    "named escape": (r'"\N{BULLET}"', "•"),
    "other escapes stay": (r'"\d+\."', r"\d+\."),
    "escaped line end": ('"a\\\nb"', "ab"),
    "unicode": ('"größe 😀"', "größe 😀"),
    "raw": (r'r"\d\n"', r"\d\n"),
    "prefix": ('u"a"', "a"),
    "adjacent pieces": ("""'a'"b"'''c'''""", "abc"),
    "terminators inside": ('"a. b; c."', "a. b; c."),
    "comments inside": ('"// a # b /* c"', "// a # b /* c"),
    "the word None": ("'None'", "None"),
}


@pytest.mark.parametrize("case", CONSTANTS.values(), ids=CONSTANTS.keys())
def test_constant(case: Any) -> None:
    """A constant is worth what Python makes of it, in its canonical form, and keeps how it was written."""
    text, value, written = (*case, case[0])[:3]
    (rule,) = read(f"p({text}).")
    (argument,) = rule.head.atom.arguments
    assert argument.term == Constant(value, written, NOWHERE)
    assert type(argument.term.value) is type(value)


def head(head_atom: Atom, modal: Any = None) -> Head:
    return Head(head_atom, modal, NOWHERE)


def rule(head_atom: Atom, *literals: Any, annotations: Any = (), modal: Any = None) -> Rule:
    return Rule(head(head_atom, modal), literals, tuple(annotations), NOWHERE)


def column(
    name: str, kind: Type = Type.INT, key: bool = False, references: Any = None, domain: Domain | None = None
) -> ColumnDeclaration:
    return ColumnDeclaration(name, kind, key, references, domain, NOWHERE)


def note(name: str, value: Any) -> Annotation:
    return Annotation(name, value, NOWHERE)


STATEMENTS = {
    "fact": ("p(1).", [rule(atom("p", one))]),
    "fact without arguments": ("alarm().", [rule(atom("alarm"))]),
    "fact that is a name": ("alarm.", [rule(atom("alarm"))]),
    "semicolon": ("p(1);", [rule(atom("p", one))]),
    "terminator before a comment": (
        "p(1).// one\np(2).# two\np(1)./* three */",
        [rule(atom("p", n)) for n in (one, two, one)],
    ),
    "terminator after a name": ("p(x) :- q(x), x < y.", [rule(p, q, compare("<", x, y))]),
    "terminator after a number": ("p(x) :- q(x), x < 1.", [rule(p, q, compare("<", x, one))]),
    "several in one line": ("p(1). p(2); p(1).", [rule(atom("p", n)) for n in (one, two, one)]),
    "rule": ("p(x) :- q(x), r(x).", [rule(p, q, r)]),
    "rule without spaces": ("p(x):-q(x),r(x).", [rule(p, q, r)]),
    "rule over lines": ("p(x)\n:-\n  q(x)\n  ,\n  r(x)\n.\n", [rule(p, q, r)]),
    "windows line ends": ("p(x) :-\r\n  q(x).\r\np(1).\r\n", [rule(p, q), rule(atom("p", one))]),
    "byte order mark": ("\ufeffp(1).", [rule(atom("p", one))]),
    "head without arguments": ("alarm :- p(x).", [rule(atom("alarm"), p)]),
    "head of another policy": ("a:p(x) :- q(x).", [rule(atom("p", x, qualifier="a"), q)]),
    "aggregates": (
        "t(h, sum(n), count_distinct(v), m=max(n)) :- q(h, n, v).",
        [
            Rule(
                head(
                    Atom(
                        TableName(None, "t", "", NOWHERE),
                        (
                            arg(var("h")),
                            arg(Aggregate("sum", var("n"), NOWHERE)),
                            arg(Aggregate("count_distinct", var("v"), NOWHERE)),
                            arg(Aggregate("max", var("n"), NOWHERE), "m"),
                        ),
                        NOWHERE,
                    )
                ),
                (atom("q", var("h"), var("n"), var("v")),),
                (),
                NOWHERE,
            )
        ],
    ),
    "aggregate of a term": (
        "t(avg(x * 2)) :- q(x).",
        [rule(atom("t", Aggregate("avg", calc("*", x, two), NOWHERE)), q)],
    ),
    "modal": (
        "execute[vnfm:heal(x)] :- q(x).",
        [rule(atom("heal", x, qualifier="vnfm"), q, modal="execute")],
    ),
    "all modals": (
        "permit[p(x)] :- q(x). deny[p(x)] :- q(x). require[p(x)] :- q(x). forbid[p(x)] :- q(x).",
        [rule(p, q, modal=modal) for modal in ("permit", "deny", "require", "forbid")],
    ),
    "modal fact": ("execute[p].", [rule(atom("p"), modal="execute")]),
    "effects": (
        "p+(x) :- q(x). p-(x) :- q(x). p+ :- q(x). a:p+() :- q(x).",
        [
            rule(atom("p", x, effect="+"), q),
            rule(atom("p", x, effect="-"), q),
            rule(atom("p", effect="+"), q),
            rule(atom("p", effect="+", qualifier="a"), q),
        ],
    ),
    "annotations": (
        '@id("R4") @severity("high") @weight(3)\n@object(x) error(x) :- q(x).',
        [
            rule(
                atom("error", x),
                q,
                annotations=[
                    note("id", const("R4", '"R4"')),
                    note("severity", const("high", '"high"')),
                    note("weight", const(3)),
                    note("object", x),
                ],
            )
        ],
    ),
    "annotated fact": ('@id("a") p(1).', [rule(atom("p", one), annotations=[note("id", const("a", '"a"'))])]),
    "policy": ("policy a.", [PolicyDeclaration("a", (), NOWHERE)]),
    "policy without settings": ("policy a().", [PolicyDeclaration("a", (), NOWHERE)]),
    "policy with settings": (
        'policy a.b(tier = "global", priority = -1, overridable = true).',
        [
            PolicyDeclaration(
                "a.b",
                (
                    Setting("tier", const("global", '"global"'), NOWHERE),
                    Setting("priority", const(-1), NOWHERE),
                    Setting("overridable", const(True, "true"), NOWHERE),
                ),
                NOWHERE,
            )
        ],
    ),
    "table": (
        'table load(host: str key -> inv:host.id, cpu: int in 0..100, level: str in ["low", "high"], other:any).',
        [
            TableDeclaration(
                "load",
                (
                    column("host", Type.STR, True, (TableName("inv", "host", "", NOWHERE), "id")),
                    column("cpu", domain=Range(0, 100)),
                    column("level", Type.STR, domain=Choice(("low", "high"))),
                    column("other", Type.ANY),
                ),
                NOWHERE,
            )
        ],
    ),
    "table without columns": ("table alarm().", [TableDeclaration("alarm", (), NOWHERE)]),
    "parts of a column in any order": (
        "table a(x: float in -1.5..1.5 -> b.c.d key, y: bool).",
        [
            TableDeclaration(
                "a",
                (
                    column("x", Type.FLOAT, True, (TableName(None, "b.c", "", NOWHERE), "d"), Range(-1.5, 1.5)),
                    column("y", Type.BOOL),
                ),
                NOWHERE,
            )
        ],
    ),
    "open ranges": (
        "table a(x: int in 0.., y: int in ..9).",
        [TableDeclaration("a", (column("x", domain=Range(0, None)), column("y", domain=Range(None, 9))), NOWHERE)],
    ),
    "incompatible": (
        "incompatible scale_out(x), vnfm:scale_in(x).",
        [Incompatible(atom("scale_out", x), atom("scale_in", x, qualifier="vnfm"), NOWHERE)],
    ),
    "functional": (
        "functional inv:qos(v, w -> class).",
        [Functional(TableName("inv", "qos", "", NOWHERE), ("v", "w"), ("class",), NOWHERE)],
    ),
    "tables named like declarations": (
        "policy(x) :- q(x). table :- q(x). incompatible(1).",
        [rule(atom("policy", x), q), rule(atom("table"), q), rule(atom("incompatible", one))],
    ),
    "nothing": (" \n\t", []),
}


@pytest.mark.parametrize(("text", "expected"), STATEMENTS.values(), ids=STATEMENTS.keys())
def test_statements(text: str, expected: Any) -> None:
    """Each statement becomes the node that stands for it."""
    assert list(read(text)) == expected


def test_name_of_a_policy() -> None:
    """A policy is named by its declaration, or else by the stem of its file."""
    assert parse_policy(Source("rules/nfv.dl", "p(1)."))[0].name == "nfv"
    assert parse_policy(Source("rules/nfv.dl", "p(1). policy other. policy third."))[0].name == "other"


def test_comments_are_kept() -> None:
    """Comments are kept as written, with their places, and those inside strings are none."""
    text = 'p("// no"). // one  \n# two\n/* three\n   four */ q(1). #'
    file, _ = parse_policy(Source("test.dl", text))
    assert [comment.text for comment in file.comments] == ["// one", "# two", "/* three\n   four */", "#"]
    assert all(comment.span.text == comment.text for comment in file.comments)


def test_spans() -> None:
    """Every node knows the text that it was read from."""
    text = '@id("a") execute[s:p(x, k = y + 1)] :- not q(x), (x in [1, -2]) or (y > sum.z, r), x = (y * 2).'
    (statement,) = read(text)
    assert statement.span.text == text[:-1]
    assert statement.annotations[0].span.text == '@id("a")'
    assert statement.head.span.text == "execute[s:p(x, k = y + 1)]"
    assert statement.head.atom.span.text == "s:p(x, k = y + 1)"
    assert statement.head.atom.table.span.text == "s:p"
    assert statement.head.atom.arguments[1].span.text == "k = y + 1"
    assert statement.head.atom.arguments[1].term.span.text == "y + 1"
    negation, disjunction, equal = statement.body
    assert negation.span.text == "not q(x)"
    assert negation.literal.span.text == "q(x)"
    assert disjunction.span.text == "(x in [1, -2]) or (y > sum.z, r)"
    assert disjunction.branches[0][0].span.text == "(x in [1, -2])"
    assert disjunction.branches[0][0].values[1].span.text == "-2"
    assert disjunction.branches[1][0].span.text == "y > sum.z"
    assert equal.span.text == "x = (y * 2)"
    (table,) = read("table a(x: int key -> b.c in 0..1, y: str).")
    assert [each.span.text for each in table.columns] == ["x: int key -> b.c in 0..1", "y: str"]
    assert table.columns[0].references[0].span.text == "b"
    assert table.span.text == "table a(x: int key -> b.c in 0..1, y: str)"


def test_many_rules_are_read_in_time() -> None:
    """Reading stays linear: a chain of 10,000 rules in seconds, with room for a busy machine."""
    text = "p0(1).\n" + "\n".join(f"p{i + 1}(x) :- p{i}(x)." for i in range(10_000))
    started = time.process_time()
    assert len(read(text)) == 10_001
    assert time.process_time() - started < 10


def test_the_grammar_has_no_conflicts() -> None:
    """The grammar is LALR(1) by itself: no conflict is settled by a default of the parser generator."""
    folder = Path(parse_policy.__code__.co_filename).with_name("parsing")
    grammar = (folder / "grammar.lark").read_text(encoding="utf-8")
    Lark(grammar, parser="lalr", lexer=_NoLexer, start=["statement", "query"], strict=True)


class _NoLexer(Lexer):
    """Stands for the lexer where only the grammar matters."""

    def __init__(self, conf: object) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any) -> Any:
        raise NotImplementedError
