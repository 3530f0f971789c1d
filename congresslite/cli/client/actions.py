"""Actions of a server as people read them: how they stand, why, what they wait for, and what may be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from congresslite.cli.client.showing import moment, show_facts, show_table
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings
from congresslite.language.printing import value_text

if TYPE_CHECKING:
    from congresslite.server.schemas.actions import Action, ActionDetail, Pause

HEADER = ("id", "state", "action", "object", "policy", "why", "age")
PAUSES = ("paused", "since", "by", "reason")
_SHORT = 12  # digits of an id that are enough to name it
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def row(each: Action) -> tuple[str, ...]:
    """An action as a line of a list."""
    return each.id[:_SHORT], each.state, each.action, each.object, each.policy, why(each), age(each.created_at)


def why(each: Action) -> str:
    """Why an action stands as it does, with the guard that says so."""
    guard = each.guard if each.guard not in (None, each.state) else None
    reason = f"{guard}: {each.reason}" if guard and each.reason else each.reason or guard or ""
    until = f"not before {moment(each.not_before)}" if each.not_before and each.state == "planned" else ""
    return "; ".join(part for part in (reason, until) if part)


def age(at: str, now: datetime | None = None) -> str:
    """How long ago a time was, in one unit."""
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for size, unit in _UNITS:
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"


def pause_row(each: Pause) -> tuple[str, ...]:
    """Something that is paused as a line of a list."""
    return each.scope or "everything", moment(each.at), each.by, each.reason


def show_action(found: ActionDetail, settings: Settings) -> None:
    """Write an action with its record, what it waits for, and what may be done."""
    action = found.action
    terms = ", ".join(map(value_text, action.arguments))
    show_table(settings, None, [(f"{action.action}({terms}): {action.state}",)])
    show_facts(settings, dict(_facts(action)))
    steps = [
        (f"  {moment(each.at)}", each.state, f"{each.attempt or ''}", each.by or "", each.reason)
        for each in found.steps
    ]
    show_table(settings, ("  at", "state", "attempt", "by", "why"), steps)


def _facts(action: Action) -> Iterator[tuple[str, str | None]]:
    yield "id", action.id
    yield "why", why(action) or None
    yield "what to do", action.mend
    yield "object", action.object if action.table is None else f"{action.object} of {action.table}"
    yield "policy", f"{action.policy} ({action.mode}), rule {action.rule}"
    yield "wanted", "by its policy" if action.commanded else "no more"
    yield "plan", action.plan
    yield "undoes", action.undoes
    yield "tenant", action.tenant
    yield "site", action.site
    yield "approved by", action.approved_by
    yield "at its target", action.reference
    for name, value in action.output.items():
        yield f"its {name}", value if isinstance(value, str) else entries.dumps(value)
