"""
What a person reads of a simulation: step by step which rows came and went, and what that did to violations.

What was not done as it was asked for is told with its code, so that whoever called need not tell it again (`TOLD`).
It is written from the simulation's document, so that one of a server looks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from rich.text import Text

from congresslite.analysis.documents import stale_name
from congresslite.cli.formats.checked import moved_words, row_text, violation_lines
from congresslite.cli.report import rule_name
from congresslite.cli.terminal import console, number
from congresslite.diagnostics.visible import visible
from congresslite.language.printing import value_text

if TYPE_CHECKING:
    from congresslite.cli.settings import Settings

Document = Mapping[str, Any]

# Codes of findings that the text tells.
TOLD = ("CL316", "CL317", "CL318", "CL319")
# How many rows of a part, and how many violations of a step, are shown.
_ROWS, _VIOLATIONS = 6, 5


def write_text(document: Document, out: IO[str], settings: Settings) -> None:
    """Write a simulation; its findings go to stderr by themselves."""
    screen = console(settings, out)
    for step in document["steps"]:
        for line in _step(step):
            screen.print(line)
    totals = document["violations"]["totals"]
    screen.print()
    screen.print(Text(f"Violations at the end: {moved_words(totals)}", "bold"))
    for line in violation_lines(document["violations"]):
        screen.print(line)
    for each in document["undetermined"]:
        screen.print(Text(f"not current: {visible(stale_name(each))}", "yellow"))


def _step(step: Document) -> Iterator[Text]:
    yield Text.assemble((f"{step['number']:>3}  ", "dim"), (visible(step["text"]), "bold"))
    several = len(step["parts"]) > 1
    for part in step["parts"]:
        if several:
            turn = f", turn {part['turn']}" if part["turn"] > 1 else ""
            yield Text(f"     {visible(part['text'])}{turn}", "dim")
        yield from _part(part)
    for each in step["incompatible"]:
        key = ", ".join(f"{name}={value_text(value)}" for name, value in zip(each["columns"], each["key"], strict=True))
        both = f"{each['first']} and {each['second']} both write {each['table']}({key}): run one after the other"
        yield _coded("CL319", both)
    for status, style in (("resolved", "green"), ("new", "red")):
        yield from _violations(step["violations"], status, style)


def _part(part: Document) -> Iterator[Text]:
    if part["result"] == "no_effect_model":
        yield _coded("CL317", f"no effect model: {part['message']}")
    elif part["result"] == "nothing" and not part["broken"]:
        yield _coded("CL316", f"does nothing: {part['message']}")
    rows = [*_rows(part["rows"], "delete", "−"), *_rows(part["rows"], "insert", "+")]
    for text in rows[:_ROWS]:
        yield Text(f"     {text}")
    if len(rows) > _ROWS:
        yield Text(f"     … {number(len(rows) - _ROWS, 'more row')}", "dim")
    for each in part["broken"]:
        yield _coded("CL318", f"left out {row_text(each['table'], each['row'])}: {each['message']}")
    for note in part["notes"]:
        yield Text(f"     {visible(note)}", "dim")


def _coded(code: str, message: str) -> Text:
    return Text.assemble((f"     {code}  ", "dim"), (visible(message), "yellow"))


def _rows(tables: Sequence[Document], which: str, sign: str) -> Iterator[str]:
    for each in tables:
        yield from (f"{sign} {row_text(each['table'], row)}" for row in each[which])


def _violations(violations: Document, status: str, style: str) -> Iterator[Text]:
    found = violations[status]
    for each in found[:_VIOLATIONS]:
        rule = f"{visible(each['policy'])}/{visible(rule_name(str(each['rule'])))}"
        yield Text.assemble((f"     {status} ", style), (f"{each['kind']} {each['severity']}  ", "dim"),
                            visible(each["message"]), (f"  {rule}", "dim"))  # fmt: skip
    left = violations["totals"][status] - min(len(found), _VIOLATIONS)
    if left > 0:
        yield Text(f"     … {left:,} more {status}", "dim")
