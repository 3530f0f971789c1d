"""
Reading: statement by statement, so that every mistake of a text is told in one run.

`lexer` cuts the text into statements, lark reads each of them by the grammar
(LALR, calling the builder as it goes, with no tree in between), and
`unexpected` says what a token that does not fit may mean. Nothing here recurses,
so no nesting is too deep to read; what would be too deep for those who walk
the nodes is refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from lark import Lark, UnexpectedToken
from lark.lexer import Lexer

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.language.parsing.declarations import StatementBuilder
from congresslite.language.parsing.lexer import KEYWORDS, Chunk, Lexed, Token, lex
from congresslite.language.parsing.unexpected import Unexpected, explain
from congresslite.language.syntax import (
    Aggregate,
    Arithmetic,
    Atom,
    Body,
    Comment,
    Comparison,
    Disjunction,
    Membership,
    Negation,
    Rule,
    Statement,
)

MAX_DEPTH = 100


class _Tokens(Lexer):
    """Hands lark the tokens that it is given instead of a text."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, data: Any) -> Iterator[Any]:  # type: ignore[override]  # lark's interface for custom lexers
        return iter(data)


class _Parser(threading.local):
    """The tables of the grammar and the builder they call: made once a thread, on first use."""

    def __init__(self) -> None:
        self.builder = StatementBuilder()
        self.lark = Lark(
            Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
            parser="lalr",
            lexer=_Tokens,
            start=["statement", "query"],
            transformer=self.builder,  # any object with a method for each rule
            keep_all_tokens=True,
            maybe_placeholders=False,
        )

    def read(self, tokens: list[Token], start: str) -> Any:
        """The node that the tokens make. Raises UnexpectedToken."""
        return self.lark.parse(tokens, start=start)  # custom lexers take what they like


_parser: _Parser | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text, or a part of it, says."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]
    problems: tuple[Diagnostic, ...]


def parse_statements(source: Source) -> Parsed:
    """Read all statements of a text."""
    return _read(source, lex(source), terminated=True)


def parse_part(source: Source, text: str, offsets: Sequence[int]) -> Parsed:
    """Read a text that is embedded in a source, with quotes, indentation or folding of its own.

    Character `i` of the text stands at `offsets[i]` of the source; there is one offset more, for its end. The last
    statement needs no terminator.
    """
    return _read(source, _lexed_part(source, text, offsets), terminated=False)


def parse_body(source: Source, text: str, offsets: Sequence[int]) -> tuple[Body | None, tuple[Diagnostic, ...]]:
    """Read a body that is embedded in a source, as `parse_part` does statements; None if it has mistakes."""
    lexed = _lexed_part(source, text, offsets)
    reader = Reader(source, "query")
    bodies: list[Body] = [body for chunk in lexed.chunks for body in reader.read(chunk, last=True)]
    problems = [*lexed.problems, *reader.problems]
    if not problems and len(bodies) != 1:
        hint = "join literals by `,`" if bodies else 'write literals, as in `inv:vm(id=object, state="ERROR")`'
        message = "several statements in one body" if bodies else "a body that says nothing"
        problems.append(Diagnostic("CL026", message, _moved(source, 0, len(text), offsets), hint))
    return (None if problems else bodies[0]), in_order(problems)


def _lexed_part(source: Source, text: str, offsets: Sequence[int]) -> Lexed:
    """The tokens of an embedded text, with their places in the source."""
    lexed = lex(Source(source.name, text))
    for chunk in lexed.chunks:
        for token in (*chunk.tokens, *([chunk.end] if chunk.end else [])):
            place = _moved(source, token.start_pos, token.end_pos, offsets)
            token.start_pos, token.end_pos = place.start, place.end
    comments = [Comment(each.text, _moved(source, each.span.start, each.span.end, offsets)) for each in lexed.comments]
    problems = [
        replace(each, span=_moved(source, each.span.start, each.span.end, offsets))
        for each in lexed.problems
        if each.span is not None
    ]
    return Lexed(lexed.chunks, comments, problems)


def _moved(source: Source, start: int, end: int, offsets: Sequence[int]) -> Span:
    """A place in an embedded text as one in its source; white space that is no part of the text is left out."""
    first = offsets[start]
    return Span(source, first, first + len(source.text[first : offsets[end]].rstrip()))


def _read(source: Source, lexed: Lexed, *, terminated: bool) -> Parsed:
    reader = Reader(source, "statement")
    statements: list[Statement] = []
    last = len(lexed.chunks) - 1
    for place, chunk in enumerate(lexed.chunks):
        statements.extend(reader.read(chunk, last=not terminated and place == last))
    return Parsed(tuple(statements), tuple(lexed.comments), in_order([*lexed.problems, *reader.problems]))


def in_order(problems: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings in the order of their places."""
    return tuple(sorted(problems, key=Diagnostic.sort_key))


class Reader:
    """Reads the statements of one text, or its queries; notes their mistakes in `problems`."""

    def __init__(self, source: Source, start: str) -> None:
        global _parser  # noqa: PLW0603 - made on first use: many commands never parse
        if _parser is None:
            _parser = _Parser()
        self.source = source
        self.start = start
        self.problems: list[Diagnostic] = []
        self.parser = _parser
        self.parser.builder.begin(source)

    def read(self, chunk: Chunk, *, last: bool) -> Iterator[Any]:
        """The statements of a chunk: one, or several if a terminator was forgotten between them."""
        tokens = chunk.tokens
        while chunk.sound and (tokens or chunk.end):
            node, rest = self._statement(tokens, chunk.end)
            if node is not None and not chunk.flawed:
                yield node
            if not rest:
                break
            tokens = rest
        if chunk.sound and chunk.end is None and not last and tokens:
            place = Span(self.source, tokens[-1].end_pos, tokens[-1].end_pos)
            if not any(problem.span and problem.span.end >= place.start for problem in self.problems):
                self.problems.append(Diagnostic("CL002", "statement without an end", place, "end it with `.`"))

    def _statement(self, tokens: list[Token], end: Token | None) -> tuple[Any, list[Token]]:
        """One statement, or None if it has mistakes, and the tokens after it."""
        builder = self.parser.builder
        builder.problems, builder.aggregates, builder.operators = [], [], 0
        if self.start == "statement":
            _mark_keyword(tokens)
        rest: list[Token] = []
        node = None
        try:
            node = self.parser.read(tokens, self.start)
        except UnexpectedToken as error:
            unexpected = Unexpected.of(self.source, tokens, end, error, self.start)
            self.problems.append(explain(unexpected))
            if unexpected.splits:
                rest = tokens[unexpected.index :]
                node, _ = self._statement(tokens[: unexpected.index], None)
        if builder.problems:
            self.problems.extend(builder.problems)
            return None, rest
        if node is not None and builder.operators > MAX_DEPTH:
            place = _too_deep(node)
            if place is not None:
                hint = "split it: bind parts of it to variables, or give them rules of their own"
                self.problems.append(Diagnostic("CL025", f"nested more than {MAX_DEPTH} deep", place, hint))
                return None, rest
        return node, rest


def _mark_keyword(tokens: list[Token]) -> None:
    """Tell a declaration from a rule about a table of that name: only a declaration goes on with a name."""
    if len(tokens) > 1 and tokens[0].value in KEYWORDS and tokens[1].type in ("NAME", "CONST", "IN", "OR"):
        tokens[0].type = KEYWORDS[tokens[0].value]


def _too_deep(node: Any) -> Span | None:
    """The place of a node that is nested too deeply, or None; without recursion, since that is what it guards."""
    open_nodes: list[tuple[Any, int]] = [(node, 0)]
    while open_nodes:
        each, depth = open_nodes.pop()
        if depth > MAX_DEPTH:
            return cast(Span, each[0].span if isinstance(each, tuple) else each.span)
        match each:
            case tuple():
                open_nodes.extend((inner, depth) for inner in each)
            case Rule():
                open_nodes.extend([(each.head.atom, depth), (each.body, depth)])
            case Atom():
                open_nodes.extend((argument.term, depth) for argument in each.arguments)
            case Arithmetic():
                open_nodes.extend([(each.left, depth + 1), (each.right, depth + 1)])
            case Comparison():
                open_nodes.extend([(each.left, depth), (each.right, depth)])
            case Membership():
                open_nodes.append((each.term, depth))
            case Negation():
                open_nodes.append((each.literal, depth))
            case Disjunction():
                open_nodes.extend((branch, depth + 1) for branch in each.branches)
            case Aggregate():
                open_nodes.append((each.argument, depth))
    return None
