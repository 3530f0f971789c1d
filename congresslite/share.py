"""
Where the content that ships is found: source definitions, policies, the example estate, pages on errors, the console.

The same folders lie in the installed package and at the top of a checkout;
nobody but this module knows which of the two it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["datasources", "docs", "examples", "rules", "web"]

_PACKAGE = Path(__file__).parent


def share(kind: Kind) -> Path:
    """The folder that holds this kind of content, in the installed package first, in the checkout otherwise."""
    shipped = _PACKAGE / "_share"
    return (shipped if shipped.is_dir() else _PACKAGE.parent) / kind
