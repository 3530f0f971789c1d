"""
What a person reads at a glance: violations by policy and rule, gravest colours first, then the totals.

Only the first rows of each policy are shown, and every rule that has rows gets
its share of them. What is left out is said.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which
from typing import IO, TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from congresslite.cli.report import DRYRUN, SEVERITIES, message_of
from congresslite.cli.terminal import console, number
from congresslite.diagnostics.visible import visible

if TYPE_CHECKING:
    from rich.console import Console

    from congresslite.api import Violation
    from congresslite.cli.report import Report, RuleRows
    from congresslite.cli.settings import Settings
    from congresslite.language.program import PolicySettings

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


def write(report: Report, out: IO[str], settings: Settings) -> None:
    """Write the violations, or the counts if only they are wanted; findings go to stderr by themselves."""
    screen = console(settings, out)
    if not report.policies:
        return
    if report.listed:
        _violations(report, screen, settings)
    else:
        _counts(report, screen)


def _counts(report: Report, screen: Console) -> None:
    rows = [(name, f"{count:,}") for name, count in sorted(report.counts.items())]
    for line in aligned(("table", "rows"), rows, right=(1,)):
        screen.print(line)
    if report.timing is not None:
        load, evaluate = report.timing.load_s, report.timing.evaluate_s
        screen.print(Text(f"\nread in {load:.2f} s, evaluated in {evaluate:.2f} s", "dim"))


def _violations(report: Report, screen: Console, settings: Settings) -> None:
    clean = {policy.name: policy for policy in report.policies}
    hidden = 0
    for name, rules in report.by_policy():
        _heading(clean.pop(name), report, screen)
        hidden += _rules(rules, report.limit, screen)
        screen.print()
    if clean:
        line = Text(report.untold(), "green")
        line.append(f": {', '.join(map(visible, clean))}", "dim")
        screen.print(line, end="\n\n")
    _closing(report, hidden, screen, settings)


def _heading(policy: PolicySettings, report: Report, screen: Console) -> None:
    errors, warnings = report.count(policy.name, "error"), report.count(policy.name, "warning")
    parts = [number(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count]
    mode = f"{policy.mode}: nothing blocks" if policy.mode == DRYRUN else policy.mode
    line = Text(visible(policy.name), "bold")
    line.append(f" ({mode}): ", "dim")
    line.append(", ".join(parts))
    screen.print(line)
    if policy.description:
        screen.print(Text(f"  {visible(policy.description)}", "dim"))


def _rules(rules: list[RuleRows], limit: int, screen: Console) -> int:
    """Print the rules of a policy with their share of the limit; give how many rows were left out."""
    shares = _shares([len(rule.shown) for rule in rules], limit)
    left_out = 0
    for rule, share in zip(rules, shares, strict=True):
        first = rule.shown[0]
        line = Text("  ")
        line.append(f"{first.kind} {first.severity}", _STYLES.get(first.severity, ""))
        line.append(f"  {_rule_label(first)}")
        line.append(f"  {number(rule.count, 'row')}", "dim")
        screen.print(line)
        _rows(rule.shown[:share], screen)
        if rule.count > share:
            left_out += rule.count - share
            screen.print(Text(f"    … {rule.count - share:,} more", "dim"))
    return left_out


def _shares(sizes: list[int], limit: int) -> list[int]:
    """How many rows of each are shown, so that the total is `limit` and small ones are whole."""
    if not limit or sum(sizes) <= limit:
        return sizes
    shares = [0] * len(sizes)
    left = limit
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    for done, index in enumerate(order):
        # At least one each: a rule that shows no row at all cannot be understood.
        shares[index] = max(1, min(sizes[index], left // (len(sizes) - done)))
        left -= shares[index]
    return shares


def _rule_label(violation: Violation) -> str:
    place = visible(f"{violation.span.source.name}:{violation.span.line}")
    named = len(violation.rule) <= 32 and not any(character.isspace() for character in violation.rule)
    return f"{visible(violation.rule)}  {place}" if named else place


def _rows(violations: list[Violation], screen: Console) -> None:
    objects = [visible(violation.object or "") for violation in violations]
    width = min(40, max(map(cell_len, objects), default=0))
    for name, violation in zip(objects, violations, strict=True):
        line = Text("    ")
        if width:
            line.append(name + " " * max(0, width - cell_len(name)), "bold")
            line.append("  ")
        line.append(visible(message_of(violation)))
        if violation.waiver is not None:
            line.append(f"  waived by {visible(violation.waiver)}", "dim")
        screen.print(line)


def _closing(report: Report, hidden: int, screen: Console, settings: Settings) -> None:
    count = report.severities.total()
    policies = sum(
        1 for each in report.policies if report.count(each.name, "error") + report.count(each.name, "warning")
    )
    parts = ", ".join(f"{report.severities[each]:,} {each}" for each in SEVERITIES if report.severities[each])
    if report.waived.total():
        parts += f"; {report.waived.total():,} waived"
    found = f"{report.told(count)} ({parts}) in {number(policies, 'policy', 'policies')}" if count else report.told(0)
    screen.print(Text(visible(f"{found}; {report.looked_at()}"), "bold" if count else "bold green"))
    for rule, skipped in report.skipped.items():
        text = f"note: {number(skipped, 'binding')} of {rule} skipped for a null or a wrong type"
        screen.print(Text(visible(text), "dim"))
    if count and not settings.quiet and report.again is not None:
        _advice(report, f"{report.again} ".lstrip(), hidden, screen)


def _advice(report: Report, again: str, hidden: int, screen: Console) -> None:
    tips = []
    if hidden:
        tips.append((f"{_program()} check {again}--limit 0", f"all rows ({hidden:,} are not shown)"))
    if (table := _askable(report)) is not None:
        tips.append((f"{_program()} query {table} {again}".rstrip(), "the rows as a table"))
    tips.append((f"{_program()} check {again}-o sarif", "for an editor or a code host; also json, junit, github"))
    screen.print(Text("\nNext:", "dim"))
    for line in aligned(None, [(f"  {visible(command)}", what) for command, what in tips]):
        screen.print(line)


def _program() -> str:
    """How this program is called from here: by its name, or by its path where the shell would not find it."""
    name, called = "congresslite", Path(sys.argv[0])
    if which(name) is not None or called.name != name:
        return name
    return str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else str(called)


def _askable(report: Report) -> str | None:
    """The first table of violations that can be asked for by its name: its rules have heads of one length."""
    for policy in report.policies:
        for kind in ("error", "warning"):
            heads = {len(rule.head) for rule in report.rules if (rule.policy, rule.kind) == (policy.name, kind)}
            if report.count(policy.name, kind) and len(heads) == 1:
                return f"{policy.name}:{kind}"
    return None


def aligned(
    header: tuple[str, ...] | None, rows: Sequence[tuple[str, ...]], right: tuple[int, ...] = ()
) -> Iterator[Text]:
    """Lines of text in columns, under a header; the columns in `right` are set flush right. Text is shown as it is."""
    lines = [*([header] if header else []), *rows]
    if not lines:
        return
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for place, line in enumerate(lines):
        cells = []
        for column, cell in enumerate(line):
            padding = " " * (widths[column] - cell_len(cell))
            cells.append(padding + cell if column in right else cell + padding)
        yield Text("  ".join(cells).rstrip(), "bold" if header and place == 0 else "")
