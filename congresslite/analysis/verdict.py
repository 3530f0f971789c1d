"""
The verdict: what a check comes to, and why.

Each of the reasons gives a verdict of its own; the gravest is that of the whole. The rule to keep: a verdict that is
not `ok` always has a reason that says what it is about, in numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from congresslite.analysis.documents import stale_name
from congresslite.analysis.report import Document, Reason, Report, Verdict
from congresslite.diagnostics import Severity

GRAVEST_FIRST: tuple[Verdict, ...] = ("reject", "needs_decision", "warn", "ok")
_FINDINGS = {"never_fires": "never fire", "redundant": "are redundant", "equivalent": "are equivalent to others",
             "shadowed": "are shadowed"}  # fmt: skip


def judged(report: Report) -> tuple[Verdict, tuple[Reason, ...]]:
    """The verdict of a report, and the reasons for it, the gravest first."""
    found = [reason for judge in _JUDGES for reason in judge(report)]
    found.sort(key=lambda reason: GRAVEST_FIRST.index(reason.verdict))
    return (found[0].verdict if found else "ok"), tuple(found)


def _wrong(report: Report) -> Iterator[Reason]:
    errors = sum(1 for each in report.findings if each.severity is Severity.ERROR)
    if errors:
        yield Reason("reject", "CL320", f"the policies cannot be taken: {_number(errors, 'error')}")


def _loops(report: Report) -> Iterator[Reason]:
    for certainty, verdict, code in (("certain", "reject", "CL321"), ("possible", "needs_decision", "CL325")):
        loops = [each for each in report.loops if each.certainty == certainty]
        if loops:
            actions = _listed(dict.fromkeys(f"`{action}`" for each in loops for action in each.actions))
            what = "set each other off without end" if certainty == "certain" else "may set each other off without end"
            if len({action for each in loops for action in each.actions}) == 1:
                what = what.replace(
                    "set each other off", "sets itself off" if certainty == "certain" else "set itself off"
                )
            yield Reason(verdict, code, f"{actions} {what}")  # type: ignore[arg-type]


def _limits(report: Report) -> Iterator[Reason]:
    beyond = [each for each in report.commands if each.exceeded]
    for enforced in (True, False):
        kinds = {each.kind: each for each in beyond if (each.mode == "enforce") is enforced}
        for kind, each in kinds.items():
            of = "" if each.of is None else f" of {each.of:,} of `{kind}`"
            message = f"{_number(each.together, 'object')}{of} would be acted upon at once; the limit is {each.limit:,}"
            yield Reason("reject" if enforced else "needs_decision", "CL322", message)


def _undecided(report: Report) -> Iterator[Reason]:
    for code, by, what in (("CL323", None, "that nothing decides"), ("CL324", "deny", "that only `deny` decides")):
        count = _new_conflicts(report, lambda each, by=by: each == by)  # type: ignore[misc]
        if count:
            yield Reason("needs_decision", code, f"{_number(count, 'new conflict')} {what}")


def _decided(report: Report) -> Iterator[Reason]:
    count = _new_conflicts(report, lambda by: by not in (None, "deny"))
    if count:
        yield Reason("warn", "CL328", f"{_number(count, 'new conflict')} decided by the order of rules")


def _new_conflicts(report: Report, wanted: Callable[[str | None], bool]) -> int:
    return sum(count for by, count in report.new_conflicts.items() if wanted(by))


def _below(report: Report) -> Iterator[Reason]:
    for name, document in report.tiers.items():
        verdict = document.get("verdict")
        if verdict in ("reject", "needs_decision"):
            words = "rejects it" if verdict == "reject" else "asks for a decision"
            yield Reason(verdict, "CL326", f"engine `{name}` {words}")
        elif verdict == "warn":
            told = "; ".join(str(each["message"]) for each in document.get("reasons", ()))
            yield Reason("warn", "CL326", f"engine `{name}` warns: {told}")


def _violations(report: Report) -> Iterator[Reason]:
    new = report.impact.totals.get("new", 0)
    if new:
        services = report.impact.affected.get("services", 0)
        unknown = any(each.name is None for each in report.impact.services)
        of = f" of {_number(services, 'service')}" if services and not unknown else ""
        yield Reason("warn", "CL327", f"{_number(new, 'new violation')}{of}")


def _rules(report: Report) -> Iterator[Reason]:
    for finding, words in _FINDINGS.items():
        count = sum(1 for each in report.rules if each.finding == finding)
        if count:
            singular = words.replace("never fire", "never fires").replace("are ", "is ").replace("others", "another")
            yield Reason("warn", "CL329", f"{_number(count, 'rule')} {words if count > 1 else singular}")


def _undetermined(report: Report) -> Iterator[Reason]:
    if report.undetermined:
        yield Reason("warn", "CL330", f"not current: {_listed(_stale(report.undetermined))}")


def _stale(entries: Sequence[Document]) -> Iterator[str]:
    for each in entries:
        name = stale_name(each)
        yield f"`{name}`" if name else "a source"


_JUDGES: tuple[Callable[[Report], Iterator[Reason]], ...] = (
    _wrong,
    _loops,
    _limits,
    _undecided,
    _below,
    _violations,
    _decided,
    _rules,
    _undetermined,
)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
