"""`congresslite explain`: the page of a finding's code, from the copy of the documentation that ships."""

from __future__ import annotations

from difflib import get_close_matches

import click

from congresslite.cli.exits import Exit
from congresslite.cli.settings import Settings, shared
from congresslite.cli.teaching import Teaching
from congresslite.diagnostics.codes import CODES
from congresslite.share import share


@click.command(cls=Teaching)
@click.argument("code", required=False)
@shared()
def explain(settings: Settings, *, code: str | None) -> int:
    """Explain the code of a finding: what it means, an example, how to mend it.

    For example:
      congresslite explain CL101

    Without a code, all codes are listed.
    """
    del settings
    if code is None:
        for each, title in CODES.items():
            click.echo(f"{each}  {title}")
        return Exit.CLEAN
    wanted = code.upper().strip("[]")
    if wanted not in CODES:
        near = get_close_matches(wanted, CODES, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "`congresslite explain` lists them"
        raise click.UsageError(f"there is no code `{code}`; {hint}")
    click.echo((share("docs") / "errors" / f"{wanted}.md").read_text(encoding="utf-8").rstrip())
    return Exit.CLEAN
