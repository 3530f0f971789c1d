"""
The health of the manager itself, in the codes that tools of the field know.

The rule to keep: the gravest is told, in one code. From 5010 on something of
the manager does not run; below that it runs, and what it needs is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from congresslite.diagnostics import Diagnostic
from congresslite.live.feeds import FeedState
from congresslite.live.sources import Source, Sources
from congresslite.store.lease import SharedLease

Code = Literal["2000", "2010", "2020", "2030", "2100", "5010", "5020", "5030", "5040"]

MEANINGS: Mapping[Code, str] = {
    "2000": "services are running",
    "2010": "services are running; the standby node is not reachable",
    "2020": "services are running; one or more VIMs are not reachable",
    "2030": "services are running; VIM credentials are not provided, or refused",
    "2100": "services are running; the standby node is not reachable, nor are one or more VIMs",
    "5010": "the engine is not running",
    "5020": "the API is not running",
    "5030": "the monitoring is not running",
    "5040": "VIM drivers are not running",
}
# No clouds.yaml or no such cloud in it, a log-in that is refused, a user who may not see what there is.
_CREDENTIALS = frozenset({"CL530", "CL531", "CL533"})

# What OpenStack's catalogue calls a VNF manager, which is none of a VIM's services.
_VNFM = "nfv-orchestration"


@dataclass(frozen=True, slots=True)
class Esc:
    """A code, what it means, and what it is about."""

    code: Code
    message: str

    @staticmethod
    def of(code: Code, about: str = "") -> Esc:
        """A code with its meaning, and perhaps what it is about."""
        return Esc(code, f"{MEANINGS[code]}: {about}" if about else MEANINGS[code])


@dataclass(frozen=True, slots=True)
class Life:
    """What the parts of an estate that have no names say of themselves."""

    engine: str = ""  # why it does not run; empty while it does
    closing: bool = False  # no new requests are taken
    standby_expected: bool = False


def esc(life: Life, sources: Sources, lease: SharedLease | None) -> Esc:
    """The health of a running estate."""
    grave = _not_running(life, sources)
    if grave is not None:
        return grave
    lost = life.standby_expected and lease is not None and not lease.standbys
    vims = [source for source in sources.values() if is_vim(source)]
    silent = {source.name: findings for source in vims if (findings := _unreachable(source))}
    if lost and silent:
        return Esc.of("2100", _names(silent))
    if lost:
        return Esc.of("2010")
    if silent:
        refused = all(any(each.code in _CREDENTIALS for each in findings) for findings in silent.values())
        return Esc.of("2030" if refused else "2020", _names(silent))
    return Esc.of("2000")


def _not_running(life: Life, sources: Sources) -> Esc | None:
    if life.engine:
        return Esc.of("5010", life.engine)
    if life.closing:
        return Esc.of("5020", "it is stopping")
    still = [source.name for source in sources.values() if source.config.driver == "monitor" and not _runs(source)]
    if still:
        return Esc.of("5030", _names(still))
    still = [source.name for source in sources.values() if source.config.driver != "monitor" and not _runs(source)]
    return Esc.of("5040", _names(still)) if still else None


def is_vim(source: Source) -> bool:
    """Whether a source is a service of a VIM: one of OpenStack's, by whatever driver it is asked."""
    service = getattr(getattr(source.driver, "definition", None), "service", None)
    return service is not None and service != _VNFM


def _runs(source: Source) -> bool:
    """Whether a source that is pulled is still looked at."""
    runner = source.runner
    if runner is None:
        return True
    measures = source.config.driver != "monitor" or not runner.watching or runner.watch_fault is None
    return runner.alive and measures


def _unreachable(source: Source) -> Sequence[Diagnostic]:
    """Why a source cannot be read now; empty if it can, or nobody wants to."""
    return [finding for state in source.feeds.values() for finding in _findings(state)]


def _findings(state: FeedState) -> Iterator[Diagnostic]:
    status = state.status()
    if status.health in ("stale", "pending"):
        yield from status.findings


def _names(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
