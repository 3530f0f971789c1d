"""`congresslite completion`: the script that lets a shell complete our command lines."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from congresslite.cli import app
from congresslite.cli.exits import Exit
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching


@click.command(cls=Teaching)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@shared()
def completion(settings: Settings, *, shell: str) -> int:
    """Print the completion script of a shell.

    To have it in every new shell, add the line to the file:
      bash  ~/.bashrc                    eval "$(congresslite completion bash)"
      zsh   ~/.zshrc                     eval "$(congresslite completion zsh)"
      fish  ~/.config/fish/config.fish   congresslite completion fish | source
    """
    del settings
    kind = get_completion_class(shell)
    assert kind is not None, f"click knows {shell}"
    click.echo(kind(app.cli, {}, app.NAME, app.COMPLETE).source())
    return Exit.CLEAN
