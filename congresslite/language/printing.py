"""
Nodes as text: one canonical spelling for each.

Constants come in two ways: as they were written (but for quotes), which is
what a person wants to see again, or by their value, so that `'a'` and `"a"`
are spelt alike where a text serves as an identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import assert_never

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
    Head,
    HeadTerm,
    Literal,
    Membership,
    Negation,
    Rule,
    Variable,
)
from congresslite.schema import Choice, Domain, Range, Scalar

Spelling = Callable[[Constant], str]

_SINGLE_QUOTED = re.compile(r"""'(?:[^'"\\]|\\[^'"])*'""", re.DOTALL)
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f\x85\u2028\u2029]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}


def as_written(constant: Constant) -> str:
    """A constant as it was written, but in double quotes where these change nothing else."""
    return f'"{constant.text[1:-1]}"' if _SINGLE_QUOTED.fullmatch(constant.text) else constant.text


def by_value(constant: Constant) -> str:
    """A constant spelt by its value alone."""
    return value_text(constant.value)


def value_text(value: Scalar) -> str:
    """A value as the language writes it, on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{_ESCAPED.sub(_escape, value)}"'
        case int() | float():
            return repr(value)
        case _:
            assert_never(value)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or (
        f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    )


def normal_text(rule: Rule) -> str:
    """A rule on one line, without annotations, comments and terminator: equal for rules that say the same.

    It is a rule's identity where no `@id` is given, so it depends on the nodes alone, never on how they were written.
    """
    head = head_text(rule.head, by_value)
    return f"{head} :- {body_text(rule.body, by_value)}" if rule.body else head


def head_text(head: Head, spelling: Spelling = as_written) -> str:
    """A head, with its modal."""
    atom = atom_text(head.atom, spelling)
    return f"{head.modal}[{atom}]" if head.modal else atom


def body_text(body: Iterable[Literal], spelling: Spelling = as_written) -> str:
    """The literals of a body on one line."""
    return ", ".join(literal_text(literal, spelling) for literal in body)


def literal_text(literal: Literal, spelling: Spelling = as_written) -> str:
    """One literal."""
    match literal:
        case Atom():
            return atom_text(literal, spelling)
        case Comparison(operator, left, right):
            return f"{term_text(left, spelling)} {operator} {term_text(right, spelling)}"
        case Membership(term, values):
            return f"{term_text(term, spelling)} in [{', '.join(spelling(value) for value in values)}]"
        case Negation(inner):
            return f"not {literal_text(inner, spelling)}"
        case Disjunction():
            return " or ".join(branch_texts(literal, spelling))
        case _:
            assert_never(literal)


def branch_texts(disjunction: Disjunction, spelling: Spelling = as_written) -> list[str]:
    """The branches of a disjunction, each in its parentheses."""
    return [f"({body_text(branch, spelling)})" for branch in disjunction.branches]


def atom_text(atom: Atom, spelling: Spelling = as_written) -> str:
    """An atom, always with parentheses."""
    return f"{atom.table}({', '.join(_argument(argument, spelling) for argument in atom.arguments)})"


def _argument(argument: Argument, spelling: Spelling) -> str:
    term = term_text(argument.term, spelling)
    return term if argument.column is None else f"{argument.column}={term}"


def term_text(term: HeadTerm, spelling: Spelling = as_written) -> str:
    """A term, with no more parentheses than it needs."""
    match term:
        case Variable(name):
            return name
        case Anonymous():
            return "_"
        case Constant():
            return spelling(term)
        case Aggregate(function, argument):
            return f"{function}({term_text(argument, spelling)})"
        case Arithmetic(operator, left, right):
            strength = _PRECEDENCE[operator]
            return f"{_operand(left, strength, spelling)} {operator} {_operand(right, strength + 1, spelling)}"
        case _:
            assert_never(term)


def _operand(term: HeadTerm, strength: int, spelling: Spelling) -> str:
    """An operand, in parentheses if it binds less tightly than its place asks for."""
    text = term_text(term, spelling)
    return f"({text})" if isinstance(term, Arithmetic) and _PRECEDENCE[term.operator] < strength else text


def annotation_text(annotation: Annotation) -> str:
    """`@name(value)`."""
    return f"@{annotation.name}({term_text(annotation.value)})"


def column_text(column: ColumnDeclaration) -> str:
    """A column of a `table` statement."""
    parts = [f"{column.name}: {column.type}"]
    if column.key:
        parts.append("key")
    if column.references:
        table, name = column.references
        parts.append(f"-> {table}.{name}")
    if column.domain is not None:
        parts.append(f"in {domain_text(column.domain)}")
    return " ".join(parts)


def domain_text(domain: Domain) -> str:
    """A domain as a `table` statement writes it."""
    match domain:
        case Range(low, high):
            return f"{'' if low is None else value_text(low)}..{'' if high is None else value_text(high)}"
        case Choice(values):
            return f"[{', '.join(value_text(value) for value in values)}]"
        case _:
            assert_never(domain)
