"""Parts that are installed on demand: what to say when one of them is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Turn an import that fails into advice. Raises ClickException."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("congresslite"):
            raise
        message = f"`{error.name}` is not installed; pip install 'congresslite[{extra}]' brings it"
        raise click.ClickException(message) from error
