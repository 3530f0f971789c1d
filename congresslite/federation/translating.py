"""
Translating: an engine's translation, kept up with its tables.

The rule to keep: what did not change is not made anew, so that nobody below is
handed the same policy twice and no history begins again.
"""

from __future__ import annotations

from congresslite.api import Snapshot
from congresslite.config.models import TierSettings, TranslateSettings
from congresslite.diagnostics import Diagnostic
from congresslite.federation.translation import Place, Translation, translate
from congresslite.schema import Row, row_identity


class Translator:
    """Makes the translation of what an engine holds. One thread at a time uses it."""

    def __init__(self, tier: TierSettings, settings: TranslateSettings) -> None:
        self._place = Place(tier.name, tier.level, tier.next_below)
        self._settings = settings
        self._made_of: object = None

    @property
    def reads(self) -> frozenset[str]:
        """The tables that a translation is made of: while these do not change, neither does it."""
        return frozenset({self._settings.intent, self._settings.profile})

    def revised(self, snapshot: Snapshot) -> Translation | None:
        """The translation of these tables; None if they hold what they held when it was last asked for.

        Of tables that are not there yet (a policy that is still to be handed down), or that have other columns than
        they should, there are no rows; the latter is told.
        """
        findings: list[Diagnostic] = []
        intents = _rows(snapshot, self._settings.intent, ("customer", "class"), findings)
        profile = _rows(snapshot, self._settings.profile, ("class", "attribute", "op", "value"), findings)
        made_of = _values(intents), _values(profile), len(findings)
        if made_of == self._made_of:
            return None
        self._made_of = made_of
        made = translate(intents, profile, self._settings, self._place)
        return Translation(made.policies, (*findings, *made.findings))


def _rows(snapshot: Snapshot, table: str, columns: tuple[str, ...], findings: list[Diagnostic]) -> list[Row]:
    """The rows of a table with so many columns; a finding and nothing if it has others."""
    try:
        arity = snapshot.schema(table).arity
    except KeyError:
        return []
    if arity == len(columns):
        return snapshot.rows(table)
    named = ", ".join(f"`{each}`" for each in columns)
    message = f"translation reads {len(columns)} columns, and `{table}` has {arity}"
    findings.append(Diagnostic("CL383", message, None, f"its columns are {named}, in this order", place=table))
    return []


def _values(rows: list[Row]) -> frozenset[tuple[object, ...]]:
    # `true` is not 1, though Python says so.
    return frozenset(row_identity(row) for row in rows)
