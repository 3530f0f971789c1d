"""
What a person reads of a plan of adaptation: what goes where, what that costs and why, and why nothing else was chosen.

It is written from the plan's document. The rule to keep: an option that was not looked into is counted, and a plan that
may not be the best one is called so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from rich.text import Text

from congresslite.cli.formats.checked import row_text
from congresslite.cli.report import rule_name
from congresslite.cli.terminal import console, number
from congresslite.diagnostics.visible import visible
from congresslite.language.printing import value_text
from congresslite.policy.violations import shown

if TYPE_CHECKING:
    from congresslite.cli.settings import Settings

Document = Mapping[str, Any]

_HEADS = {
    "optimal": ("no plan is better", "bold green"),
    "feasible": ("the best plan found in time; there may be better ones", "bold yellow"),
    "impossible": ("hard rules forbid every choice", "bold red"),
    "unknown": ("no plan was found in time", "bold yellow"),
    "nothing": ("nothing has failed", "bold green"),
}
_KINDS = {"re-instantiate": "instantiate", "redundant": "take over"}
# How many rows, violations of a rule, actions and alternatives of a decision are shown.
_ROWS, _VIOLATIONS, _ACTIONS, _ALTERNATIVES = 12, 3, 12, 8


def write_text(document: Document, out: IO[str], settings: Settings) -> None:
    """Write a plan."""
    screen = console(settings, out)
    words, style = _HEADS[document["status"]]
    cost = "" if document["cost"] is None else f", at a cost of {value_text(document['cost'])}"
    screen.print(Text.assemble((document["status"], style), f": {words}{cost}"))
    for line in _contradiction(document):
        screen.print(line)
    for each in document["decisions"]:
        for line in _decision(each, document["table"]):
            screen.print(line)
    for title, lines in _sections(document):
        body = list(lines)
        if body:
            screen.print()
            screen.print(Text(title, "bold"))
            for line in body:
                screen.print(line)


def _sections(document: Document) -> Iterator[tuple[str, Iterator[Text]]]:
    links = document["virtual_links"]
    moved = f"{len(links['insert']):,} to build, {len(links['delete']):,} to take down"
    yield f"Virtual links: {moved}", _links(links)
    yield "Cost", _costs(document["soft"])
    yield "Hard violations that were there before and stay", _violations(document["standing"], "    ", _ROWS)
    yield "Actions that would be commanded", _actions(document["actions"])


def _contradiction(document: Document) -> Iterator[Text]:
    if document["status"] != "impossible":
        return
    yield Text("  These cannot be had together, and each of them is needed for that:")
    for vnf in document["stuck"]:
        yield Text(f"    {visible(shown(vnf))} is placed")
    for each in document["obstacles"]:
        yield Text.assemble(f"    {_rule(each)} holds", (f"  {visible(each['file'])}:{each['line']}", "dim"))


def _decision(decision: Document, table: str) -> Iterator[Text]:
    yield Text(f"\n{visible(shown(decision['vnf']))}", "bold")
    for row in decision["gone"]:
        yield Text(f"  − {row_text(table, row)}", "dim")
    chosen = decision["chosen"]
    if chosen is not None:
        yield Text.assemble(f"  + {row_text(table, chosen['row'])}", (f"  {_KINDS[chosen['kind']]}", "green"))
    for each in decision["alternatives"][:_ALTERNATIVES]:
        yield from _alternative(each, table)
    left = len(decision["alternatives"]) - _ALTERNATIVES
    if left > 0:
        yield Text(f"    … {number(left, 'more alternative')}", "dim")
    if decision["more_alternatives"]:
        yield Text(f"    … {number(decision['more_alternatives'], 'more option')} not looked into", "dim")


def _alternative(each: Document, table: str) -> Iterator[Text]:
    line = Text(f"    not {row_text(table, each['row'])}  ", "dim")
    if each["cost"] is None:
        yield line.append("forbidden", "red")
        yield from _violations(each["breaks"], "      ", _VIOLATIONS)
    else:
        yield line.append(f"cost {value_text(each['cost'])}", "yellow")


def _links(links: Document) -> Iterator[Text]:
    rows = [*(("−", row) for row in links["delete"]), *(("+", row) for row in links["insert"])]
    for sign, row in rows[:_ROWS]:
        yield Text(f"    {sign} {row_text('virtual_link', row)}")
    yield from _more(len(rows) - _ROWS, "more link")


def _costs(rules: Sequence[Document]) -> Iterator[Text]:
    for each in rules:
        yield Text(f"    {value_text(each['cost'])}  {_rule(each)}, {value_text(each['weight'])} each")
        yield from _violations(each["broken"], "       + ", _VIOLATIONS, named=False)
        yield from _violations(each["mended"], "       − ", _VIOLATIONS, named=False)


def _violations(found: Sequence[Document], indent: str, most: int, *, named: bool = True) -> Iterator[Text]:
    for each in found[:most]:
        yield Text.assemble(indent, visible(each["message"]), (f"  {_rule(each)}" if named else "", "dim"))
    yield from _more(len(found) - most, "more")


def _actions(actions: Sequence[Document]) -> Iterator[Text]:
    for each in actions[:_ACTIONS]:
        terms = ", ".join(map(value_text, each["arguments"]))
        yield Text.assemble(f"    {visible(each['action'])}({visible(terms)})", (f"  {_rule(each)}", "dim"))
    yield from _more(len(actions) - _ACTIONS, "more action")


def _rule(each: Document) -> str:
    return f"{visible(each['policy'])}/{visible(rule_name(each['rule']))}"


def _more(count: int, noun: str) -> Iterator[Text]:
    if count > 0:
        yield Text(f"    … {count:,} {noun}{'s' if count > 1 and noun != 'more' else ''}", "dim")
