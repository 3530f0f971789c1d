"""Places in files that are told by name and line: whole lines of texts that are known here, line numbers of others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from congresslite.diagnostics import Source, Span

_MOST_LINES = 1_000_000  # nobody's policy is longer; a number from elsewhere must not cost memory without end


def placed(texts: Mapping[str, Source], file: str, line: int) -> Span:
    """The line of a file, which has its text if that is known."""
    source = texts.get(file)
    if source is None or not 1 <= line <= len(source.line_starts):
        return line_span(file, line)
    start = source.line_starts[line - 1]
    return Span(source, start, start + len(source.line_text(line)))


@lru_cache(maxsize=4096)
def line_span(file: str, line: int) -> Span:
    """The beginning of a line of a file whose text is not known here."""
    before = line - 1 if 1 <= line <= _MOST_LINES else 0
    return Span(Source(file, "\n" * before), before, before)
