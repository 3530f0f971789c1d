"""
The `congresslite` command: its list of commands, and what becomes of an exception.

Commands are imported when they are run; the list holds their short help. No
exception passes this module as a traceback, unless it is asked for.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click
from click.shell_completion import shell_complete

from congresslite import __version__
from congresslite.cli.exits import Exit
from congresslite.cli.formats import FORMATS
from congresslite.cli.settings import Settings, config_option, group_options
from congresslite.cli.teaching import Teaching
from congresslite.cli.terminal import tell, warn
from congresslite.diagnostics import CongressliteError

NAME = "congresslite"
COMPLETE = "_CONGRESSLITE_COMPLETE"  # the shell's completion script sets this variable

# Name, then one line of help; the module of the same name (with `_` for `-`) holds a command of that name.
COMMANDS = {
    "check": "Evaluate policies over tables and list the violations.",
    "query": "Ask the tables a question.",
    "why": "Show why a row is there.",
    "why-not": "Show why a row is not there.",
    "lint": "Find mistakes in policies, and what is probably one.",
    "fmt": "Format policies.",
    "test": "Run the tests of policies.",
    "precommit": "Say what would follow if policies went in.",
    "apply": "Commit exactly what a pre-commit check has checked.",
    "simulate": "Say what actions and changes of rows would do.",
    "adapt": "Say where failed network functions should go.",
    "schema": "Show the tables that rules can read.",
    "serve": "Serve an estate: keep it current, and answer over HTTP.",
    "violations": "Show the violations that a server holds, and watch them come and go.",
    "conflicts": "Show the conflicts between rules that a server holds.",
    "tiers": "Show where a server stands among engines above and below.",
    "policy": "Show and change the policies of a server.",
    "source": "Show and change the sources of a server.",
    "waiver": "Show, grant and revoke waivers on a server.",
    "action": "Show the actions of a server, and decide on them.",
    "logs": "Search the log of a server.",
    "config": "Show the configuration, its schema, or make a token.",
    "demo": "Show engines in tiers at work, on this machine.",
    "explain": "Explain the code of a finding.",
    "bench": "Measure congresslite beside its peers.",
    "completion": "Print the completion script of a shell.",
}


class App(Teaching, click.Group):
    """A group that imports a command when it is needed and turns exceptions into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        found = getattr(import_module(f"congresslite.cli.{name}"), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        near = get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and near and not ctx.resilient_parsing:
            ctx.fail(f"there is no command `{args[0]}`; did you mean `{near[0]}`?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_: Any
    ) -> NoReturn:
        """Run, and end the process with the exit code."""
        for stream in (sys.stdout, sys.stderr):
            # A terminal that cannot show a character must not stop the report.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        given = sys.argv[1:] if args is None else list(args)
        sys.exit(self._guarded(given, prog_name or NAME, Settings()))

    def _guarded(self, args: list[str], name: str, settings: Settings) -> int:
        try:
            code = self._run(args, name, settings)
            sys.stdout.flush()
            return code
        except click.exceptions.Exit as end:
            return end.exit_code
        except click.ClickException as error:
            error.show()
            return Exit.FAILED
        except CongressliteError as error:
            tell(error.diagnostics, settings)
            return Exit.FAILED
        except (click.Abort, KeyboardInterrupt):
            return Exit.INTERRUPTED
        except BrokenPipeError:
            # The reader went away. Nothing more can be written, not even when Python closes the stream.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.INTERRUPTED
        except Exception as error:
            return _internal_error(error, settings)

    def _run(self, args: list[str], name: str, settings: Settings) -> int:
        # Not click's own `main`, which has exit codes of its own.
        completing = os.environ.get(COMPLETE)
        if completing:
            return shell_complete(self, {}, name, COMPLETE, completing)
        with self.make_context(name, args, obj=settings) as context:
            return int(self.invoke(context) or Exit.CLEAN)


def _internal_error(error: Exception, settings: Settings) -> int:
    if settings.verbosity >= 2:
        traceback.print_exc()
    else:
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        warn(f"internal error: {cause} (-vv shows the traceback; please report it)", settings)
    return Exit.FAILED


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@config_option
@group_options(*FORMATS)
def cli() -> None:
    """Check the policies of a network-function estate.

    See it work:
      congresslite check --example
    Check your own tables (inventory/SOURCE/TABLE.csv):
      congresslite check rules/ --data inventory
    Ask a question of them:
      congresslite query 'inv:vm(id=v, host="h1")' --data inventory
    Let a server answer:
      congresslite check --server http://127.0.0.1:8181

    Exit codes: 0 clean, 1 blocking findings, 2 usage or another error, 3 undetermined.
    """
