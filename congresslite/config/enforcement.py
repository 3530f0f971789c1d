"""
The configuration of enforcement: what actions are called at, and what stops them.

What is said of an action holds for all whose name fits the pattern; the last that says something of a key wins.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from congresslite.config.section import Section, own_settings
from congresslite.config.units import Seconds

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(
    r"(?:(?P<days>[a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*)\s*)?"
    r"(?:(?P<from>([01]\d|2[0-3]):[0-5]\d)-(?P<to>([01]\d|2[0-3]):[0-5]\d|24:00))?",
    re.ASCII,
)


def window(text: str) -> tuple[frozenset[int], int, int]:
    """What `mon-fri 22:00-06:00` means: the days on which it opens (0: Monday), and the minutes of the day.

    One that ends before it begins ends on the day after. Raises ValueError.
    """
    found = _WINDOW.fullmatch(text.strip().lower())
    if not text.strip() or found is None:
        raise ValueError(
            f"`{text}` should be days and times, written as `mon-fri 22:00-06:00`, `sat,sun` or `01:00-05:00`"
        )
    days = frozenset(day for part in (found["days"] or "mon-sun").split(",") for day in _days(part))
    begin, end = (_minutes(found[each]) for each in ("from", "to")) if found["from"] else (0, 24 * 60)
    return days, begin, end


def _days(part: str) -> list[int]:
    first, _, last = part.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        raise ValueError(f"`{part}` should be of the days {', '.join(_DAYS)}")
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return [each % 7 for each in range(begin, end + 1 if end >= begin else end + 8)]


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _checked(text: str) -> str:
    window(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"`{name}` should be a time zone, such as `Europe/Stockholm`") from None
    return name


class TargetSettings(Section):
    """What actions with a name of this prefix are called at; what else is said are the executor's own settings."""

    executor: str = Field(
        min_length=1, description="What calls it: openstack, vnfm, http, script, executable, netconf or log."
    )
    source: str | None = Field(
        default=None, description="The source with its objects; the target's own name by default."
    )
    site: str | None = Field(
        default=None, description="The point of presence that it is at: it is called for no other."
    )
    settings: dict[str, Any] = Field(default_factory=dict, repr=False, description="The executor's own settings.")

    def source_of(self, name: str) -> str:
        """The source with the objects of a target of this name."""
        return self.source or name

    @model_validator(mode="before")
    @classmethod
    def _own(cls, value: object) -> object:
        """Keep what the executor alone knows apart from what every target has."""
        return own_settings(cls, value)


class RateSettings(Section):
    """At most so many in a time."""

    amount: int = Field(ge=0, description="How many of them.")
    per: Seconds = Field(default=60.0, gt=0, description="In which time.")


class LoopSettings(Section):
    """From when on actions on an object count as a loop: policies that undo each other."""

    times: int = Field(default=4, ge=1, description="So many times the same action on the same object.")
    within: Seconds = Field(default=3600.0, gt=0, description="In this time.")


class ActionSettings(Section):
    """How actions are run, and what stops them."""

    attempts: int = Field(default=3, ge=1, le=100, description="How often one is tried that fails.")
    backoff: Seconds = Field(default=10.0, description="The wait before it is tried again; it doubles each time.")
    call_timeout: Seconds = Field(default=60.0, gt=0, description="How long a call of the target may take.")
    timeout: Seconds = Field(default=1800.0, gt=0, description="How long it may take until it is done.")
    cooldown: Seconds = Field(default=300.0, description="How long the same action leaves the same object alone.")
    rate: RateSettings = Field(default=RateSettings(amount=60), description="How many of an action, on all objects.")
    object_rate: RateSettings = Field(
        default=RateSettings(amount=10, per=3600.0), description="How many actions on one object, whichever they are."
    )
    loop: LoopSettings = Field(default=LoopSettings(), description="From when on it counts as a loop.")
    windows: tuple[Annotated[str, AfterValidator(_checked)], ...] = Field(
        default=(), description="When it may run, such as `mon-fri 22:00-06:00`; always, if none is given."
    )
    approval: bool = Field(default=False, description="A person must approve each one.")


class BlockSettings(Section):
    """Actions that are never run."""

    action: str = Field(default="*", description="The names of actions, with `*` and `?`.")
    object: str = Field(default="*", description="The objects that they would act upon, with `*` and `?`.")
    reason: str = Field(default="", description="Why, as people are told.")


class EnforcementSettings(Section):
    """How commanded actions are run, and what stops them."""

    enabled: bool = Field(default=True, description="Run actions; if not, they are planned and shown, and wait.")
    targets: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$")], TargetSettings] = Field(
        default_factory=dict, description="What actions are called at, by the prefix of their names."
    )
    defaults: ActionSettings = Field(default=ActionSettings(), description="What holds for every action.")
    actions: dict[str, ActionSettings] = Field(
        default_factory=dict, description="What holds for some, by name (`nova:delete`, `vnfm:*`)."
    )
    block: tuple[BlockSettings, ...] = Field(default=(), description="What is never run.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="The time zone of `windows`.")
    workers: int = Field(default=16, ge=1, le=256, description="Calls of targets at the same time.")
    keep: Seconds = Field(default=90 * 86400.0, description="How long the records of ended actions are kept.")

    def of(self, action: str) -> ActionSettings:
        """What holds for an action."""
        said = self.defaults
        for pattern, each in self.actions.items():
            if fnmatchcase(action, pattern):
                said = said.model_copy(update={key: getattr(each, key) for key in each.model_fields_set})
        return said
