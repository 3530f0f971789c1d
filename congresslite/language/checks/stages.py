"""
Stages: those that policies say objects come into once an action is over, be it in rules or by `moves_to` in YAML.
"""

from __future__ import annotations

from collections.abc import Iterator

from congresslite.diagnostics import Diagnostic
from congresslite.language.lifecycle_names import AFTER, misspelt
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.where import head_span

_PLACE = 2  # of the stage, in a row (rule, state, stage, event)


def check(draft: Draft) -> Iterator[Diagnostic]:
    """A warning for each stage that is nearly a built-in one."""
    for table, facts in draft.facts.items():
        schema = draft.scope.schema(table)
        if schema is None or table.partition(":")[2] != AFTER or schema.arity <= _PLACE:
            continue
        for fact in facts:
            stage = fact.row[_PLACE]
            found = misspelt(stage, head_span(fact.outline.rule, schema, _PLACE)) if isinstance(stage, str) else None
            if found is not None:
                yield found
