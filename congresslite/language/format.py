"""
The canonical layout of policies: a rule on one line if it fits, else a literal a line.

Nothing but white space, quotes, the spelling of `not` and the terminator ever
changes, every comment stays, in order, with the part of a statement that it
precedes or trails, and formatting twice is formatting once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from congresslite.diagnostics import Span
from congresslite.language.printing import (
    annotation_text,
    as_written,
    atom_text,
    branch_texts,
    column_text,
    head_text,
    literal_text,
    normal_text,
)
from congresslite.language.syntax import (
    Comment,
    Disjunction,
    Functional,
    Incompatible,
    Literal,
    PolicyDeclaration,
    PolicyFile,
    Rule,
    Statement,
    TableDeclaration,
)

__all__ = ["format_policy", "normal_text"]

WIDTH = 100
_INDENT = "    "


@dataclass(slots=True)
class _Part:
    """A piece of a statement that comments can belong to; `lines` are what it takes where it does not fit in one."""

    text: str
    span: Span
    lines: Sequence[str] = ()
    before: list[Comment] = field(default_factory=list)
    after: list[Comment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shape:
    """A statement as parts: annotations; an opening; items between commas; a closing, before the terminator."""

    annotations: Sequence[_Part]
    opening: _Part
    items: Sequence[_Part]
    gap: str = ""
    closing: str = ""

    @property
    def parts(self) -> list[_Part]:
        """All parts, in order."""
        return [*self.annotations, self.opening, *self.items]


def format_policy(file: PolicyFile) -> str:
    """A policy file in its canonical layout. It is for files without syntax errors, whose statements are all there."""
    shapes = [_shape(statement) for statement in file.statements]
    parts = [part for shape in shapes for part in shape.parts]
    rest = _attach(file.comments, parts)
    blocks: list[tuple[Span, Span, list[str]]] = []
    for statement, shape in zip(file.statements, shapes, strict=True):
        first = shape.parts[0]
        blocks.extend((comment.span, comment.span, [comment.text]) for comment in first.before)
        last = shape.parts[-1]
        end = last.after[-1].span if last.after else statement.span
        first.before = []
        blocks.append((statement.span, end, _lines(shape)))
    blocks.extend((comment.span, comment.span, [comment.text]) for comment in rest)
    return _joined(file.source.text, blocks)


def _joined(text: str, blocks: Iterable[tuple[Span, Span, list[str]]]) -> str:
    """The blocks one below the other, with a blank line where the text had some."""
    lines: list[str] = []
    previous: Span | None = None
    for first, last, block in blocks:
        if previous is not None and _blank_line(text[previous.end : first.start]):
            lines.append("")
        lines.extend(block)
        previous = last
    return "".join(f"{line}\n" for line in lines)


def _blank_line(text: str) -> bool:
    return any(not line.strip() for line in text.split("\n")[1:-1])


# Comments


def _attach(comments: Sequence[Comment], parts: Sequence[_Part]) -> list[Comment]:
    """Give each comment to a part: that which ends on its line before it, or else the next; gives those left over."""
    place = 0
    for number, comment in enumerate(comments):
        while place < len(parts) and parts[place].span.end <= comment.span.start:
            place += 1
        previous = parts[place - 1] if place else None
        inside = place < len(parts) and parts[place].span.start <= comment.span.start
        if previous is not None and not inside and _same_line(previous, comment):
            previous.after.append(comment)
        elif place < len(parts):
            parts[place].before.append(comment)
        else:
            return list(comments[number:])
    return []


def _same_line(part: _Part, comment: Comment) -> bool:
    """Whether a comment trails a part: on its last line, or on that of the comment that trails it already."""
    last = part.after[-1].span if part.after else part.span
    return "\n" not in comment.span.source.text[last.end : comment.span.start]


# Shapes


def _shape(statement: Statement) -> _Shape:
    match statement:
        case Rule():
            return _rule_shape(statement)
        case PolicyDeclaration(name, settings, span):
            items = [_Part(f"{each.key} = {as_written(each.value)}", each.span) for each in settings]
            return _listed(f"policy {name}", items, span) if items else _plain(f"policy {name}", span)
        case TableDeclaration(name, columns, span):
            items = [_Part(column_text(each), each.span) for each in columns]
            return _listed(f"table {name}", items, span) if items else _plain(f"table {name}()", span)
        case Incompatible(first, second, span):
            return _plain(f"incompatible {atom_text(first)}, {atom_text(second)}", span)
        case Functional(table, keys, values, span):
            return _plain(f"functional {table}({', '.join(keys)} -> {', '.join(values)})", span)
        case _:
            assert_never(statement)


def _rule_shape(rule: Rule) -> _Shape:
    annotations = [_Part(annotation_text(each), each.span) for each in rule.annotations]
    head = _Part(head_text(rule.head) + (" :-" if rule.body else ""), rule.head.span)
    return _Shape(annotations, head, [_literal_part(literal) for literal in rule.body], gap=" ")


def _literal_part(literal: Literal) -> _Part:
    text = literal_text(literal)
    if not isinstance(literal, Disjunction):
        return _Part(text, literal.span)
    first, *others = branch_texts(literal)
    return _Part(text, literal.span, [first, *(f"{_INDENT}or {other}" for other in others)])


def _plain(text: str, span: Span) -> _Shape:
    return _Shape((), _Part(text, span), ())


def _listed(text: str, items: Sequence[_Part], span: Span) -> _Shape:
    """A declaration with items in parentheses; comments after the first parenthesis belong to the items."""
    end = span.source.text.find("(", span.start, span.end) + 1
    return _Shape((), _Part(f"{text}(", Span(span.source, span.start, end)), items, closing=")")


# Lines


def _lines(shape: _Shape) -> list[str]:
    """The lines of a statement."""
    lines = _annotation_lines(shape.annotations)
    last = shape.parts[-1]
    trailing = last.after
    inner = [part for part in (shape.opening, *shape.items) if part.before or (part.after and part is not last)]
    whole = (
        shape.opening.text
        + shape.gap * bool(shape.items)
        + ", ".join(each.text for each in shape.items)
        + shape.closing
        + "."
    )
    if not inner and (not shape.items or _fits(whole)):
        return [*lines, _trailed(whole, trailing)]
    lines.extend(comment.text for comment in shape.opening.before)
    lines.append(_trailed(shape.opening.text + ("" if shape.items else f"{shape.closing}."), shape.opening.after))
    for item in shape.items:
        end = f"{shape.closing}." if item is last else ","
        lines.extend(f"{_INDENT}{comment.text}" for comment in item.before)
        text = f"{_INDENT}{item.text}{end}"
        if not _fits(text) and item.lines:
            lines.extend(f"{_INDENT}{line}" for line in item.lines[:-1])
            text = f"{_INDENT}{item.lines[-1]}{end}"
        lines.append(_trailed(text, item.after))
    return lines


def _annotation_lines(annotations: Sequence[_Part]) -> list[str]:
    """Annotations one after the other, as many in a line as fit; one with a comment ends its line."""
    lines: list[str] = []
    open_line = False
    for part in annotations:
        lines.extend(comment.text for comment in part.before)
        joined = f"{lines[-1]} {part.text}" if open_line and not part.before else None
        if joined is not None and _fits(joined):
            lines[-1] = joined
        else:
            lines.append(part.text)
        lines[-1] = _trailed(lines[-1], part.after)
        open_line = not part.after
    return lines


def _trailed(text: str, comments: Sequence[Comment]) -> str:
    return "  ".join([text, *(comment.text for comment in comments)])


def _fits(text: str) -> bool:
    return len(text) <= WIDTH and "\n" not in text
