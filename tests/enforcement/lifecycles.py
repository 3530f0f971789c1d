"""Running estates with lifecycles, for tests: pushed inventories, real targets, and what became of actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from congresslite.config.models import Config
from congresslite.live import Caller, LiveEstate, open_estate
from congresslite.store.records import ActionFilter, ActionRecord
from tests.waiting import until

ADMIN = Caller("root", "admin")

INVENTORY = """\
source: lab
tables:
  vnf: {key: [id], columns: {id: str, state: str}}
  vm: {key: [id], columns: {id: str, vnf: str, address: str, status: str, image: str}}
  seen: {key: [object], columns: {object: str, stage: str}}
"""
# Whatever is told in the table is what is seen.
SEEN = "policy sight.\nstage(o, s) :- lab:seen(object=o, stage=s).\n"
# Whatever is done here is done again at once if it is commanded again.
AT_ONCE = {
    "cooldown": 0, "backoff": 0, "object_rate": {"amount": 1000, "per": 60}, "rate": {"amount": 1000, "per": 60},
    "loop": {"times": 1000, "within": 60},
}  # fmt: skip


def config(folder: Path, *, targets: dict[str, Any] | None = None, **more: Any) -> Config:
    """An estate with the inventory above, where actions are lines in the log unless `targets` says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lab.yaml").write_text(INVENTORY, encoding="utf-8")
    named = {name: {"executor": "log"} for name in ("scripts", "executables", "http", "vnfm", "nova")}
    enforcement = {
        "targets": {**named, **(targets or {})},
        "defaults": AT_ONCE,
        **more.pop("enforcement", {}),
    }
    whole = {
        "state": folder / "state",
        "sources": {"lab": {"driver": "push", "definition": str(folder / "lab.yaml")}},
        "enforcement": enforcement,
        "max_affected": {"amount": 1000, "percent": None, "within": 0},
        "lifecycle": {"observe": "sight:stage"},
        **more,
    }
    return Config.model_validate(whole)


def opened(made: Config, **policies: str) -> LiveEstate:
    """An estate that runs, with these policies and those that it had."""
    estate = open_estate(made)
    estate.start()
    for name, text in {"sight": SEEN, **policies}.items():
        known = {each.name: each for each in estate.policies()}.get(name)
        estate.put_policy(ADMIN, name, text, None if known is None else known.etag)
    return estate


def see(estate: LiveEstate, object_: str, stage: str | None) -> None:
    """Let an object be seen in a stage, or in none."""
    if stage is None:
        estate.push_rows(ADMIN, "lab", "seen", [], [{"object": object_}])
    else:
        estate.push_rows(ADMIN, "lab", "seen", [{"object": object_, "stage": stage}])


def happen(estate: LiveEstate, object_: str, event: str) -> None:
    """Report an event."""
    estate.push_rows(ADMIN, "lifecycle", "event", [{"object": object_, "event": event}])


def stage_of(estate: LiveEstate, object_: str) -> str | None:
    """The stage that an object is in."""
    found = estate.snapshot().matching("lifecycle:stage", ("object",), [(object_,)])[0]
    return str(found[0][1]) if found else None


def comes_to(estate: LiveEstate, object_: str, stage: str | None) -> None:
    """Wait until an object is in a stage."""
    until(lambda: stage_of(estate, object_) == stage)


def actions(estate: LiveEstate, *states: str, **wanted: Any) -> list[ActionRecord]:
    """The actions of an estate, the first to be planned first."""
    page = estate.actions.page(ActionFilter(states=states, **wanted), limit=1000)  # type: ignore[arg-type]
    return list(page.items[::-1])


def done(estate: LiveEstate, count: int, **wanted: Any) -> list[ActionRecord]:
    """Wait until so many actions have succeeded, and give them."""

    def look() -> list[ActionRecord] | None:
        found = actions(estate, "succeeded", **wanted)
        return found if len(found) >= count else None

    found = until(look)
    assert len(found) == count
    return found


def quiet(estate: LiveEstate) -> None:
    """Wait until no event is there any more, and everything that was commanded has been looked at."""
    until(lambda: not estate.snapshot().rows("lifecycle:event"))
