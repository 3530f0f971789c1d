"""
The builtins: every predicate that is computed instead of stored, by name.

Names, argument orders and formats are those of OpenStack Congress, so that its
rules keep their answers; what is computed otherwise on purpose says so in the
builtin's own text. A module for each theme; docs/reference/builtins.md lists
them all and a test holds it to this table.
"""

from __future__ import annotations

from collections.abc import Mapping

from congresslite.language.builtins.builtin import Builtin, admits
from congresslite.language.builtins.network import NETWORK
from congresslite.language.builtins.numbers import NUMBERS
from congresslite.language.builtins.text import TEXT, pattern_error
from congresslite.language.builtins.time import TIME
from congresslite.language.builtins.validation import VALIDATION

__all__ = ["BUILTINS", "THEMES", "Builtin", "admits", "pattern_error"]

THEMES: Mapping[str, tuple[Builtin, ...]] = {
    "Numbers and comparison": NUMBERS,
    "Text": TEXT,
    "Date and time": TIME,
    "Addresses and networks": NETWORK,
    "Validation": VALIDATION,
}

BUILTINS: Mapping[str, Builtin] = {builtin.name: builtin for theme in THEMES.values() for builtin in theme}
