"""
What a person reads of a pre-commit check: the verdict and why, then what would change, gravest first.

It is written from the report's document. The rule to keep: what is not shown is counted, and what was not looked into
is said; so nobody takes a short report for a clean bill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from rich.text import Text

from congresslite.analysis.documents import stale_name
from congresslite.cli.formats.table import aligned
from congresslite.cli.report import rule_name
from congresslite.cli.terminal import console, number
from congresslite.diagnostics.visible import visible
from congresslite.language.printing import value_text

if TYPE_CHECKING:
    from congresslite.cli.settings import Settings

Document = Mapping[str, Any]

_STYLES = {"ok": "bold green", "warn": "bold yellow", "needs_decision": "bold red", "reject": "bold red"}
_WORDS = {"ok": "ok", "warn": "ok, with warnings", "needs_decision": "needs a decision", "reject": "rejected"}
_WINS = {
    "hardness": "its rule is hard, the other one soft",
    "tier": "its tier stands above",
    "priority": "its priority is higher",
    "specificity": "it speaks of fewer cases",
    "deny": "it denies, and nothing else decides",
}
# Sections, from the first on, whose title tells totals.
_TOTALS = 2
# How many of each are shown.
_GROUPS, _OBJECTS, _CONFLICTS, _ROWS, _ITEMS = 8, 3, 8, 3, 8


def write_text(document: Document, out: IO[str], settings: Settings) -> None:
    """Write the report; its findings go to stderr by themselves."""
    screen = console(settings, out)
    for line in _head(document):
        screen.print(line)
    analysed = "violations" not in document["not_analysed"]
    for place, (title, lines) in enumerate(_sections(document)):
        body = list(lines)
        # That there are no new violations and conflicts is said in so many words, if it has been looked into.
        if body or (analysed and place < _TOTALS):
            screen.print()
            screen.print(Text(title, "bold"))
            for line in body:
                screen.print(line)
    closing = list(_closing(document))
    if closing:
        screen.print()
    for line in closing:
        screen.print(line)


def _head(document: Document) -> Iterator[Text]:
    verdict: str = document["verdict"]
    line = Text(_WORDS.get(verdict, visible(verdict)), _STYLES.get(verdict, "bold"))
    told = [f"{visible(each['name'])} ({each['change']}, {each['mode']})" for each in document["policies"]]
    changed = [words for words, each in zip(told, document["policies"], strict=True) if each["change"] != "unchanged"]
    same = len(told) - len(changed)
    named = [*changed[:_ITEMS], *([f"{len(changed) - _ITEMS} more"] if len(changed) > _ITEMS else [])]
    named += [f"{number(same, 'policy', 'policies')} unchanged"] if same else []
    line.append(f": {', '.join(named)}" if named else ": no policies", "dim")
    yield line
    for each in document["reasons"]:
        yield Text.assemble(("  " + each["code"], "dim"), "  ", visible(each["message"]))


def _sections(document: Document) -> Iterator[tuple[str, Iterable[Text]]]:
    yield f"Violations: {moved_words(document['violations']['totals'])}", violation_lines(document["violations"])
    yield f"Conflicts: {moved_words(document['conflict_totals'])}", _conflicts(document)
    yield "Loops", _loops(document["loops"])
    yield "Actions that would be commanded at once", _actions(document["actions"])
    yield "Engines below", _tiers(document)
    yield "Not current", _stale(document["undetermined"])


def moved_words(totals: Mapping[str, int]) -> str:
    """How many come, go and stay."""
    return ", ".join(f"{totals[status]:,} {status}" for status in ("new", "resolved", "unchanged"))


# -- violations ----------------------------------------------------------------------------------


def violation_lines(violations: Document) -> Iterator[Text]:
    """The violations that come and go, by service, the first of each."""
    by_service: defaultdict[str | None, list[Document]] = defaultdict(list)
    for status in ("new", "resolved"):
        for each in violations[status]:
            by_service[each["service"]].append({**each, "status": status})
    for group in violations["services"][:_GROUPS]:
        members = by_service[group["name"]]
        yield _group_line(group, members)
        yield from _objects(members)
        left = group["new"] + group["resolved"] - min(len(members), _OBJECTS)
        if left:
            yield Text(f"    … {left:,} more", "dim")
    left = violations["affected"]["services"] - _GROUPS
    if left > 0:
        yield Text(f"  … {number(left, 'more service')}", "dim")
    tenants = [
        f"{visible(each['name'])} {each['new']:,}" for each in violations["tenants"] if each["name"] and each["new"]
    ]
    if len(tenants) > 1:
        more = ", …" if len(tenants) > _GROUPS or violations["affected"]["tenants"] > len(violations["tenants"]) else ""
        yield Text(f"  new by tenant: {', '.join(tenants[:_GROUPS])}{more}", "dim")


def _group_line(group: Document, members: Sequence[Document]) -> Text:
    tenant = next((each["tenant"] for each in members if each["tenant"]), None)
    line = Text("  ")
    if group["name"] is None:
        line.append("of no service", "bold")
    else:
        line.append(f"service {visible(group['name'])}", "bold")
        line.append(f" of tenant {visible(tenant)}" if tenant else "", "dim")
    line.append(f": {moved_words(group)}")
    return line


def _objects(members: Sequence[Document]) -> Iterator[Text]:
    for each in members[:_OBJECTS]:
        gone = each["status"] == "resolved"
        line = Text("    − " if gone else "    + ", "green" if gone else "red")
        line.append(f"{each['kind']} {each['severity']}  " if not gone else "", "dim")
        line.append(visible(each["message"]), "" if not gone else "dim")
        line.append(f"  {visible(each['policy'])}/{visible(_short(each))}", "dim")
        yield line


# -- conflicts -----------------------------------------------------------------------------------


def _conflicts(document: Document) -> Iterator[Text]:
    # What stays is known already, and counted above.
    moved = [each for each in document["conflicts"] if each["status"] != "unchanged"]
    for each in moved[:_CONFLICTS]:
        yield from _conflict(each)
    totals = document["conflict_totals"]
    left = totals["new"] + totals["resolved"] - min(len(moved), _CONFLICTS)
    if left > 0:
        yield Text(f"  … {left:,} more", "dim")


def _conflict(each: Document) -> Iterator[Text]:
    about = "" if each["object"] is None else f" of {visible(str(each['object']))}"
    yield Text.assemble("  ", (f"{each['status']} {each['kind']}", "red" if each["status"] == "new" else "green"),
                        (about, "bold"), f": {_outcome(each)}")  # fmt: skip
    for place, side in enumerate(each["sides"]):
        wins = ", wins" if each["winner"] == place else ""
        line = Text.assemble("    ", (_said(side), "bold" if wins else ""), (f"  {_rule_of(side)}{wins}", "dim"))
        yield line
        yield from (Text(f"      {row}", "dim") for row in _because(side))


def _outcome(each: Document) -> str:
    if each["winner"] is None:
        return "nothing decides" + ("; neither is run" if each["violates"] else "")
    winner = each["sides"][each["winner"]]
    return f"{visible(_name(winner))} wins, since {_WINS[each['decided_by']]}"


def _said(side: Document) -> str:
    terms = ", ".join(value_text(value) for value in side["row"])
    head = f"{side['atom']}({terms})"
    return visible(head if side["modal"] is None else f"{side['modal']}[{head}]")


def _rule_of(side: Document) -> str:
    place = f"{side['file']}:{side['line']}" if side["file"] and side["line"] else ""
    return visible(f"{_name(side)}  {place}  tier {side['tier']}".replace("    ", "  "))


def _name(side: Document) -> str:
    engine = f"{side['engine']}/" if side["engine"] else ""
    return f"{engine}{side['policy']}/{_short(side)}"


def _because(side: Document) -> Iterator[str]:
    """The rows of sources that a side rests on."""
    steps = (side["explanation"] or {}).get("steps", ())
    rows = list(dict.fromkeys(row_text(each["table"], each["row"]) for each in steps if each["from"] == "source"))
    yield from rows[:_ROWS]
    if len(rows) > _ROWS:
        yield f"… {number(len(rows) - _ROWS, 'more row')}"


def row_text(table: str, row: Mapping[str, Any]) -> str:
    """A row of a table as rules name it, with its values by column."""
    cells = ", ".join(f"{column}={value_text(value)}" for column, value in row.items())
    return visible(f"{table}({cells})")


# -- the rest ------------------------------------------------------------------------------------


def _loops(loops: Sequence[Document]) -> Iterator[Text]:
    for each in loops[:_ITEMS]:
        ring = " → ".join((*each["actions"], each["actions"][0]))
        rules = ", ".join(f"{one['policy']}/{_short(one)}" for one in each["rules"])
        yield Text.assemble("  ", (each["certainty"], "red"), f": {visible(ring)}", (f"  by {visible(rules)}", "dim"))
        for one in each["trace"][:_ITEMS]:
            yield Text(f"    round {one['round']}: {visible(one['text'])}", "dim")
        if len(each["trace"]) > _ITEMS:
            yield Text(f"    … {number(len(each['trace']) - _ITEMS, 'more command')}", "dim")


def _actions(actions: Sequence[Document]) -> Iterator[Text]:
    rows = []
    for each in actions[:_ITEMS]:
        of = "" if each["of"] is None else f" of {each['of']:,} of {each['kind']}"
        limit = "no limit" if each["limit"] is None else f"limit {each['limit']:,}"
        beyond = f"{limit}, exceeded" if each["exceeded"] else limit
        rows.append((f"  {visible(each['action'])}", f"{each['new']:,} new{visible(of)}", beyond,
                     f"{visible(each['policy'])} ({each['mode']})"))  # fmt: skip
    yield from aligned(None, rows)
    if len(actions) > _ITEMS:
        yield Text(f"  … {len(actions) - _ITEMS:,} more", "dim")


def _tiers(document: Document) -> Iterator[Text]:
    for name, each in document.get("tiers", {}).items():
        verdict = str(each.get("verdict", ""))
        reasons = "; ".join(str(one["message"]) for one in each.get("reasons", ()))
        yield Text.assemble("  ", (visible(name), "bold"), f": {_WORDS.get(verdict, visible(verdict))}",
                            (f"  {visible(reasons)}" if reasons else "", "dim"))  # fmt: skip
        try:
            yield from list(_found_there(each))
        except (KeyError, TypeError, AttributeError, ValueError):
            yield Text("    what it found is told in words that are not understood here", "dim")


def _found_there(document: Document) -> Iterator[Text]:
    """What an engine below found, if it says more than its verdict."""
    if "violations" not in document:
        return
    for title, lines in _sections(document):
        body = list(lines)
        if body:
            yield Text(f"    {title}", "bold")
            yield from (Text.assemble("    ", line) for line in body)


def _stale(entries: Sequence[Document]) -> Iterator[Text]:
    for each in entries[:_ITEMS]:
        name = stale_name(each)
        health = str(each.get("health", "stale")).replace("_", " ")
        since = f" since {each['since']}" if each.get("since") else ""
        why = f": {each['why']}" if each.get("why") else ""
        yield Text(f"  {visible(name)} is {visible(health + since + why)}")


def _closing(document: Document) -> Iterator[Text]:
    cost = document["evaluation"]
    if document["verdict"] != "reject" or cost["trial_s"]:
        yield Text(f"evaluation: {cost['before_s']:.2f} s before, about {cost['after_s']:.2f} s after", "dim")
    if document["not_analysed"]:
        yield Text(f"not looked into: {visible(', '.join(document['not_analysed']))}", "dim")


def _short(told: Document) -> str:
    """A rule's id, or a short name of a rule without one."""
    return rule_name(str(told["rule"]))
