"""The reference of the language is true: every example derives what is shown below it, or gives the finding named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from congresslite.diagnostics import Diagnostic
from congresslite.engine import evaluate
from congresslite.language.check import Checked, check
from congresslite.language.program import Program
from congresslite.policy import Policy
from congresslite.policy.loading import load_policies
from congresslite.schema import Catalog, Scalar, canonical

PAGE = Path(__file__).parents[2] / "docs/reference/language.md"
BLOCK = re.compile(r"^```(\S+)(?: error=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str | None, ...]]:
    """The fenced blocks of the page: language, code of an error or None, text."""
    return [match.groups() for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def examples() -> Iterator[tuple[str | None, ...]]:
    """Each example with what it gives: an error's code, or rows."""
    found = blocks()
    for (language, code, text), (after, _, shown) in zip(found, [*found[1:], (None, None, None)], strict=True):
        if language == "dl":
            yield text, code, shown if after == "rows" else None


def checked(text: str) -> tuple[Checked, tuple[Diagnostic, ...]]:
    """The check of an example on its own."""
    files, findings = load_policies([Policy("page", text)])
    return check(files, Catalog()), findings


def derived(program: Program) -> list[str]:
    """The rows of all tables that rules derive, as the page shows them."""
    answers = evaluate(program, {})
    ruled = {rule.table for rule in program.rules if "/" not in rule.table}
    lines = []
    for table in sorted(ruled):
        name = table.partition(":")[2].partition("#")[0]  # `error#2` is a rule of `error`
        lines += [f"{name}({', '.join(map(shown_value, row))})" for row in answers.rows(table)] or [f"{name}: no rows"]
    return sorted(lines)


def shown_value(value: Scalar) -> str:
    """A value as the language writes it."""
    return f'"{value}"' if isinstance(value, str) else "null" if value is None else str(canonical(value))


@pytest.mark.parametrize(("text", "code", "rows"), list(examples()))
def test_examples(text, code, rows):
    """What the page says of the language is what the language does."""
    result, findings = checked(text)
    if code is not None:
        assert [finding.code for finding in (*findings, *result.diagnostics)] == [code]
        return
    assert (findings, result.diagnostics) == ((), ())
    assert rows is not None, "an example shows what it derives"
    assert result.program is not None
    assert sorted(rows.splitlines()) == derived(result.program)
