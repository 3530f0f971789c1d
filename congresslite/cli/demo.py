"""`congresslite demo`: a hierarchy of engines at work, on this machine."""

from __future__ import annotations

import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from congresslite.cli.exits import Exit
from congresslite.cli.extras import needing
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import remark
from congresslite.share import share

if TYPE_CHECKING:
    from congresslite.live import Caller, LiveEstate

BUS = "TIERS_BUS"
BROKER = "amqp://guest:guest@127.0.0.1:5672/"
TOP, SLOW = "carrier", "milan"
PROPOSED = "platinum_by_hand"
PATIENCE = 60.0  # seconds until all engines know what they should
WELCOME = 10.0  # seconds until the bus lets us in
_ASKED = re.compile(r"env: (TIERS_\w+)")
# What the top says once everybody has spoken.
_EXPECTED = {"platinum-not-offered", "outranked"}


@click.command(cls=Teaching)
@click.option("--bus", envvar=BUS, metavar="URL", help="The bus between them.  [default: RabbitMQ on this machine, if "
              "it lets us in; else in memory]")  # fmt: skip
@shared()
def demo(settings: Settings, *, bus: str | None) -> int:
    """Show engines in tiers at work, on this machine.

    A carrier, two regions and four points of presence are started over one bus, hand policies down and violations up.
    Then a global policy is checked that contradicts a local one, and a host is mended at a point of presence, which
    clears a violation at the top.

    For example:
      congresslite demo
      congresslite demo --bus memory://
    """
    with needing("server"), needing("tiers"):
        import kombu  # noqa: F401 - told now, and not ten times later

        from congresslite.config.models import LogSettings
        from congresslite.live import Caller
        from congresslite.server.tracing import configure_logs
    configure_logs(LogSettings(level="error", format="console"))
    caller = Caller("demo", "admin")
    if bus is not None and (fault := _fault(bus, WELCOME)) is not None:
        raise click.ClickException(f"no engine can reach {_told(bus)}: {fault}")
    with _running(bus or _found_bus(), settings) as (folder, engines):
        top = engines[TOP]
        _tell_engines(engines, settings)
        _tell_violations(top, caller)
        _check(top, caller, folder / "proposed" / f"{PROPOSED}.dl", settings)
        _mend(top, caller, folder / SLOW / "inv" / "hosts.csv")
    return Exit.CLEAN


@contextmanager
def _running(bus: str, settings: Settings) -> Iterator[tuple[Path, Mapping[str, LiveEstate]]]:
    """All engines of the example, over copies of their folders, until it is left."""
    from congresslite.config.loading import load_config
    from congresslite.live import open_estate

    with tempfile.TemporaryDirectory(prefix="congresslite-demo-") as scratch, ExitStack() as stack:
        folder = Path(scratch) / "tiers"
        shutil.copytree(share("examples") / "tiers", folder)
        files = list(folder.glob("*/congresslite.yaml"))
        env = {BUS: bus, **{name: secrets.token_urlsafe(24) for path in files for name in _asked(path) if name != BUS}}
        remark(f"starting {len(files)} engines over {_told(bus)} …", settings)
        engines: dict[str, LiveEstate] = {}
        waiting = [TOP]
        while waiting:
            name = waiting.pop()
            path = folder / name / "congresslite.yaml"
            loaded = load_config(path, env=env, flags={"state": str(Path(scratch) / "state" / name)})
            assert loaded.config.tier is not None, "each engine of the example has a place"
            waiting += reversed(loaded.config.tier.children)
            engines[name] = estate = open_estate(loaded.config, loaded.folder, hidden=loaded.hidden)
            stack.callback(estate.stop)
            estate.start()
        _until(lambda: _agreed(engines), "the engines do not agree")
        yield folder, engines


def _asked(path: Path) -> list[str]:
    """The variables that a configuration asks for."""
    return _ASKED.findall(path.read_text(encoding="utf-8"))


def _found_bus() -> str:
    """The broker of this machine, if it is there and lets us in; else a bus in memory."""
    return BROKER if _fault(BROKER, 2.0) is None else "memory://demo"


def _fault(url: str, patience: float) -> str | None:
    """Why a bus does not let us in; None if it does. Raises SourceError for an address that is none."""
    from queue import Queue

    from congresslite.federation.bus import open_bus

    heard: Queue[bytes] = Queue()
    bus = open_bus(url, f"demo_{secrets.token_hex(4)}", heard.put)
    try:
        _until(lambda: bus.fault is None, "", patience)
    except click.ClickException:
        return bus.fault
    finally:
        bus.close()
    return None


def _told(bus: str) -> str:
    """The bus without its password."""
    return "a bus in memory" if bus.startswith("memory:") else f"RabbitMQ at {bus.rpartition('@')[2].rstrip('/')}"


def _agreed(engines: Mapping[str, LiveEstate]) -> bool:
    """Whether everybody knows everything: nothing is undetermined, and the top says what it should."""
    if any(each.undetermined() for each in engines.values()):
        return False
    return {each.rule for each in engines[TOP].counts(_anybody()) if each.open} >= _EXPECTED


def _anybody() -> Caller:
    from congresslite.live import Caller

    return Caller("demo", "viewer")


def _tell_engines(engines: Mapping[str, LiveEstate], settings: Settings) -> None:
    from congresslite.cli.client.showing import show_table

    rows = []
    for name, estate in engines.items():
        handed = [each.name for each in estate.policies() if each.origin == "tier"]
        own = [each.name for each in estate.policies() if each.origin != "tier"]
        rows.append((name, ", ".join(own), ", ".join(handed)))
    show_table(settings, ("engine", "policies of its own", "handed down to it"), rows)


def _tell_violations(top: LiveEstate, caller: Caller) -> None:
    from congresslite.store.records import ViolationFilter

    click.echo("\nWhat the carrier's rules say of all points of presence:")
    for each in top.violations(caller, ViolationFilter(), sort="-severity").items:
        click.echo(f"  {each.rule.kind} {each.rule.severity}  {each.message}")


def _check(top: LiveEstate, caller: Caller, path: Path, settings: Settings) -> None:
    """Check a policy before it is committed."""
    from congresslite.cli.formats.checked import write_text
    from congresslite.live import Proposal

    click.echo(f"\nBefore somebody commits `{path.name}` at the carrier:")
    started = time.perf_counter()
    made = top.check_policies(caller, Proposal({path.stem: path.read_text(encoding="utf-8")}))
    write_text(made.document, sys.stdout, settings)
    click.echo(f"checked in {time.perf_counter() - started:.2f} s; nothing has changed")


def _mend(top: LiveEstate, caller: Caller, hosts: Path) -> None:
    """Mend what the gravest violation is about, and wait until the top knows."""
    from congresslite.store.records import ViolationFilter

    wanted = ViolationFilter(rules=("platinum-not-offered",))
    click.echo(f"\nA host of {SLOW} gets fast disks:")
    started = time.perf_counter()
    scratch = hosts.with_suffix(".new")
    scratch.write_text(hosts.read_text(encoding="utf-8").replace("hdd", "ssd"), encoding="utf-8")
    scratch.replace(hosts)
    _until(lambda: not top.violations(caller, wanted).items, "the carrier does not hear of it")
    click.echo(f"  after {time.perf_counter() - started:.1f} s the carrier's violation is resolved")


def _until(so: Callable[[], bool], told: str, patience: float = PATIENCE) -> None:
    """Wait until something is so. Raises ClickException."""
    end = time.monotonic() + patience
    while not so():
        if time.monotonic() > end:
            raise click.ClickException(f"{told} within {patience:g} s")
        time.sleep(0.05)
