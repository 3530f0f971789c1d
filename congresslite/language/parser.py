"""
Text to syntax: policies, queries, and the YAML form of policies.

A text never raises: what is wrong with it comes back as findings, all of them
in one run, beside what could be read.
"""

from __future__ import annotations

from pathlib import PurePath

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.language.parsing.lexer import lex
from congresslite.language.parsing.reader import Reader, in_order, parse_statements
from congresslite.language.syntax import Body, PolicyDeclaration, PolicyFile
from congresslite.language.yaml_form import is_yaml, parse_yaml_policy

__all__ = ["YAML_SUFFIXES", "is_yaml", "parse", "parse_policy", "parse_query", "parse_yaml_policy"]

YAML_SUFFIXES = (".yaml", ".yml")


def parse(source: Source) -> tuple[PolicyFile, tuple[Diagnostic, ...]]:
    """Read a policy in the form that its source's name tells: YAML if it ends so, rules otherwise."""
    return (parse_yaml_policy if source.name.endswith(YAML_SUFFIXES) else parse_policy)(source)


def parse_policy(source: Source) -> tuple[PolicyFile, tuple[Diagnostic, ...]]:
    """Read a policy file: all its sound statements, and all its mistakes.

    The policy's name is the declared one, or else the stem of the source's name.
    """
    parsed = parse_statements(source)
    declared = (each.name for each in parsed.statements if isinstance(each, PolicyDeclaration))
    name = next(declared, None) or PurePath(source.name).stem
    return PolicyFile(name, source, parsed.statements, parsed.comments), parsed.problems


def parse_query(source: Source) -> tuple[Body | None, tuple[Diagnostic, ...]]:
    """Read a body, without `:-`; a terminator at its end is tolerated. None if it has mistakes."""
    reader = Reader(source, "query")
    lexed = lex(source)
    bodies = [body for chunk in lexed.chunks for body in reader.read(chunk, last=True)]
    problems = [*lexed.problems, *reader.problems]
    if not problems and len(bodies) != 1:
        end = len(source.text.rstrip())
        hint = "join literals by `,`" if bodies else "write literals, as in `nfv:error(x), x != 1`"
        message = "several statements in one query" if bodies else "an empty query"
        problems.append(Diagnostic("CL026", message, Span(source, end, end), hint))
    return (None if problems else bodies[0]), in_order(problems)
