"""`congresslite serve`: keep an estate current, and answer over HTTP."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from congresslite.cli.exits import Exit
from congresslite.cli.extras import needing
from congresslite.cli.settings import Settings, config_option, shared
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import remark
from congresslite.share import share

if TYPE_CHECKING:
    from congresslite.config.loading import Loaded
    from congresslite.config.models import Config

EXAMPLE_SITES = "sites:object_site"


@click.command(cls=Teaching)
@config_option
@click.option("--listen", metavar="ADDRESS:PORT", help="Listen there; port 0 for one that is free.")
@click.option("--example", is_flag=True, help="Serve the example estate that ships; what changes is not kept.")
@shared()
def serve(settings: Settings, *, listen: str | None, example: bool) -> int:
    """Serve an estate: keep it current, and answer over HTTP, until Ctrl-C.

    Sources and policies are those of the configuration (--config, or `congresslite.yaml` in this folder), and those
    that are added over HTTP.

    For example:
      congresslite serve --example
      congresslite serve --config /etc/congresslite.yaml
      congresslite serve --listen 127.0.0.1:9000
    """
    if example and settings.config is not None:
        raise click.UsageError("give either --config or --example")
    with needing("server"):
        from congresslite.config.loading import load_config
        from congresslite.server.serving import serve as serve_config
    flags = {"server.listen": listen}
    with _example_file() if example else _file(settings.config) as path:
        loaded = load_config(path, flags=flags)
        cut = serve_config(
            loaded.config,
            loaded.folder,
            lambda url: _greet(url, loaded, settings),
            _tell_waiting,
            hidden=loaded.hidden,
        )
    if cut:
        # A peer that does not let go of its connection must not keep the process.
        os._exit(Exit.CLEAN)
    return Exit.CLEAN


@contextmanager
def _file(path: Path | None) -> Iterator[Path | None]:
    yield path


@contextmanager
def _example_file() -> Iterator[Path]:
    """A configuration of the example estate, whose state goes with it."""
    with tempfile.TemporaryDirectory(prefix="congresslite-") as folder:
        path = Path(folder) / "congresslite.yaml"
        # JSON is YAML, and quotes every path as it must be.
        path.write_text(json.dumps(_example(Path(folder))), encoding="utf-8")
        yield path


def _example(folder: Path) -> dict[str, Any]:
    tables = sorted(each for each in (share("examples") / "estate").iterdir() if each.is_dir())
    return {
        "state": str(folder / "state"),
        "policies": [str(share("rules"))],
        "sources": {each.name: {"driver": "files", "folder": str(each)} for each in tables},
        "console": {"sites": EXAMPLE_SITES},
        "log": {"level": "warning", "format": "console"},
    }


def _greet(url: str, loaded: Loaded, settings: Settings) -> None:
    """Say where the server is, and three things to try."""
    click.echo(f"congresslite serves at {url}")
    for line in _to_try(url, loaded.config):
        remark(f"  {line}", settings)
    remark("Ctrl-C stops it.", settings)


def _tell_waiting(url: str, why: str) -> None:
    """Say that the server waits for its turn."""
    click.echo(f"congresslite waits at {url}: {why}")


def _to_try(url: str, config: Config) -> list[str]:
    token = ' -H "Authorization: Bearer $TOKEN"' if config.auth_required else ""
    lines = [
        f"curl -s{token} '{url}/v1/violations?severity=critical&limit=3'",
        f"curl -N{token} {url}/v1/violations:watch",
    ]
    if config.console.enabled:
        return [f"open {url}/console/ in a browser", *lines]
    return [*lines, f"curl -s{token} {url}/v1/sources"]
