"""
Why not: for each rule that could have derived a row, the furthest it got.

A rule could have derived the row if its head can be made equal to it. Its body
is then followed from the values that the head gives (see `progress`) to the
first literal that fails, and the rows nearest to what that literal looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from congresslite.diagnostics import Source, Span
from congresslite.engine.explanation.lookup import Anything, Lookup, Pattern
from congresslite.engine.explanation.nearest import matching, near, nearest
from congresslite.engine.explanation.outline import Deriving, Outline, outline_of
from congresslite.engine.explanation.progress import Progress
from congresslite.engine.explanation.proofs import Attempt, Failure, Mismatch, WhyNot
from congresslite.engine.explanation.sight import Sight
from congresslite.engine.explanation.texts import head_text
from congresslite.language.printing import value_text
from congresslite.language.program import CheckedRule, Const, Fold, RuleKind
from congresslite.schema import Scalar, TableSchema, canonical, identity

_NO_RULE = CheckedRule("", RuleKind.DERIVE, "", (), (), "", Span(Source("", ""), 0, 0))


def why_not(lookup: Lookup, table: str, row: Pattern, *, whole: bool = False) -> WhyNot | None:
    """Why a row is not there; None if it is.

    `table` is a full name; `nfv:error` stands for all its rules. Columns of the row that are `ANY` may hold
    anything: the answer then is why no such row is there. Rows of sources have the columns that the state holds; with
    `whole` all, though reading them may take long. Raises KeyError if there is no such table.
    """
    outline = outline_of(lookup.program)
    sight = Sight(lookup, outline, whole)
    wanted = tuple(value if isinstance(value, Anything) else canonical(value) for value in row)
    schema = outline.schema(table)
    columns = tuple(column.name for column in schema.columns)
    answer = WhyNot(table, wanted, columns)
    rules = outline.deriving(table)
    if _is_there(sight, table, wanted):
        return None
    if not rules:
        return _without_rules(sight, answer, schema)
    attempts: list[Attempt] = []
    mismatches: list[Mismatch] = []
    for deriving in rules:
        values = _unify(outline, deriving.rule, wanted)
        if isinstance(values, str):
            mismatches.append(Mismatch(deriving.rule, values))
        else:
            attempts.append(_attempt(sight, deriving, wanted, values))
    if attempts:
        columns = outline.naming(attempts[0].rule.table)[1]
    return replace(answer, columns=columns, attempts=tuple(attempts), mismatches=tuple(mismatches))


def _is_there(sight: Sight, table: str, wanted: Pattern) -> bool:
    fixed = {place: value for place, value in enumerate(wanted) if not isinstance(value, Anything)}
    for name in sight.outline.program.answers.get(table, (table,)):
        if sight.outline.schema(name).arity != len(wanted):
            continue
        if len(fixed) == len(wanted):
            if sight.lookup.has(name, tuple(fixed.values())):
                return True
        elif matching(sight, _NO_RULE, name, fixed):
            return True
    return False


def _without_rules(sight: Sight, answer: WhyNot, schema: TableSchema) -> WhyNot:
    """The answer for a table of a source or of facts: there is nothing to tell but the nearest rows."""
    kind = "a policy's facts" if answer.table in sight.outline.program.tables else "a source"
    note = f"its rows come from {kind}; no rule derives them"
    if schema.arity != len(answer.row):
        return replace(answer, note=_other_arity(answer.table, schema.arity))
    wanted = {place: value for place, value in enumerate(answer.row) if not isinstance(value, Anything)}
    return replace(answer, note=note, near=nearest(sight, _NO_RULE, answer.table, wanted))


def _unify(outline: Outline, rule: CheckedRule, wanted: Pattern) -> dict[str, Scalar] | str:
    """The values that the head's variables get from the row, or why it cannot be that row."""
    if len(rule.head) != len(wanted):
        return _other_arity("its head", len(rule.head))
    columns = outline.naming(rule.table)[1]
    values: dict[str, Scalar] = {}
    for column, term, value in zip(columns, rule.head, wanted, strict=True):
        if isinstance(term, Fold) or isinstance(value, Anything):
            continue
        expected = term.value if isinstance(term, Const) else values.setdefault(term.name, value)
        if identity(expected) != identity(value):
            if isinstance(term, Const):
                return f"its head has {value_text(expected)} for `{column}`, not {value_text(value)}"
            return f"its head has `{term.name}` twice, here {value_text(expected)} and {value_text(value)}"
    return values


def _other_arity(what: str, arity: int) -> str:
    return f"{what} has {arity} column{'' if arity == 1 else 's'}"


def _attempt(sight: Sight, deriving: Deriving, wanted: Pattern, values: Mapping[str, Scalar]) -> Attempt:
    progress = Progress(sight, deriving)
    attempt = progress.attempt(deriving.rule.body, values)
    # If all of the body holds, the row can only be missed by what the group folds to.
    return attempt or progress.arrived(values, _folded_otherwise(sight, deriving.rule, wanted, values))


def _folded_otherwise(sight: Sight, rule: CheckedRule, wanted: Pattern, values: Mapping[str, Scalar]) -> Failure:
    """The rows that the table has for the group."""
    group = {
        place: value
        for place, (term, value) in enumerate(zip(rule.head, wanted, strict=True))
        if not isinstance(term, Fold) and not isinstance(value, Anything)
    }
    outline = sight.outline
    schema = outline.schema(rule.table)
    rows = matching(sight, rule, rule.table, group)
    there = tuple(near(schema, row, tuple(group)) for row in rows)
    text, told = head_text(rule, outline.naming, {}), head_text(rule, outline.naming, values)
    return Failure(None, "aggregate", text, told, outline.user_name(rule.table), there)
