"""`congresslite config`: the configuration in force, its schema, and tokens for it."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys

import click

from congresslite.cli.exits import Exit
from congresslite.cli.extras import needing
from congresslite.cli.formats import entries
from congresslite.cli.settings import Settings, config_option, shared
from congresslite.cli.teaching import Teaching, TeachingGroup
from congresslite.cli.terminal import console, remark
from congresslite.diagnostics.visible import visible


@click.group(cls=TeachingGroup)
def config() -> None:
    """Show the configuration, its schema, or make a token.

    What is said by a flag goes before CONGRESSLITE_* in the environment, that before the file (--config, or
    `congresslite.yaml` in this folder), and that before the defaults.

    For example:
      congresslite config show
      congresslite config show --config /etc/congresslite.yaml -o json
      congresslite config schema > congresslite.schema.json
      congresslite config token
    """


@config.command(cls=Teaching)
@config_option
@shared("table", "json")
def show(settings: Settings) -> int:
    """Show every key with its value and where it was said. Secrets are masked.

    For example:
      congresslite config show
      CONGRESSLITE_SERVER__THREADS=8 congresslite config show
    """
    from congresslite.cli.formats.table import aligned

    with needing("server"):
        from congresslite.config.loading import load_config
        from congresslite.config.showing import shown
    keys = list(shown(load_config(settings.config)))
    if settings.output == "json":
        listed = [{"key": each.key, "value": each.value, "origin": str(each.origin)} for each in keys]
        sys.stdout.write(entries.dumps({"items": listed}) + "\n")
        return Exit.CLEAN
    screen = console(settings, sys.stdout)
    rows = [(visible(each.key), visible(_text(each.value)), visible(str(each.origin))) for each in keys]
    for line in aligned(("key", "value", "origin"), rows):
        screen.print(line)
    return Exit.CLEAN


@config.command(cls=Teaching)
@shared()
def schema(settings: Settings) -> int:
    """Print the JSON Schema of a configuration file.

    For example:
      congresslite config schema > congresslite.schema.json
    """
    del settings
    with needing("server"):
        from congresslite.config.schema import json_schema
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
    return Exit.CLEAN


@config.command(cls=Teaching)
@shared("table", "json")
def token(settings: Settings) -> int:
    """Make a token and its SHA-256.

    The token is shown once and not kept; the SHA-256 goes into the configuration.

    For example:
      congresslite config token
    """
    made = secrets.token_urlsafe(32)
    digest = hashlib.sha256(made.encode("ascii")).hexdigest()
    if settings.output == "json":
        sys.stdout.write(entries.dumps({"token": made, "sha256": digest}) + "\n")
        return Exit.CLEAN
    sys.stdout.write(f"token:  {made}\nsha256: {digest}\n")
    remark("give the token to whoever is to use it, and the SHA-256 to `auth.tokens`; the token is not kept", settings)
    return Exit.CLEAN


def _text(value: object) -> str:
    return value if isinstance(value, str) else entries.dumps(value)
