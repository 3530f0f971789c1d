"""
Rules: the rows that one rule derives, as one SELECT, or as several that are to be united.

A rule with aggregates groups the bindings of its body, each of which is one row
of that. Over alternatives (`or`), a binding is the partial assignment of one
of them: a column says which variables it has, and equal ones are united.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from congresslite.language.program import Fold, Var
from congresslite.language.syntax import AggregateFunction
from congresslite.plan.nodes import Conjunction, RulePlan
from congresslite.plan.sql.bodies import MADE, Body, body
from congresslite.plan.sql.kinds import Kind, Term, common_kind
from congresslite.plan.sql.layout import HOLDS, Layout, StoredTable
from congresslite.plan.sql.names import Names
from congresslite.plan.sql.select import Select, nested, united
from congresslite.plan.sql.terms import Env, Terms

_ASSIGNED = '"assigned"'


def rule_selects(plan: RulePlan, layout: Layout, terms: Terms, bindings: str | None = None) -> list[Select]:
    """The SELECTs that give a rule's rows, some of them perhaps more than once.

    `bindings` is a table that has the rows of `binding_selects` already. Raises EvaluationError for what the
    dialect cannot say.
    """
    table = layout[plan.rule.table]
    if not plan.rule.aggregates:
        return [head_select(branch, table, layout, terms) for branch in plan.branches]
    if not plan.branches:
        return []
    if len(plan.branches) == 1:
        return [_folded(plan, table, body(plan.branches[0], layout, terms), terms)]
    selects, env = _alternatives(plan.branches, layout, terms)
    source = f"{bindings} AS b" if bindings else nested(united([select.text for select in selects]), "b")
    return [_folded(plan, table, Body([source], [], env), terms)]


def binding_selects(plan: RulePlan, layout: Layout, terms: Terms) -> list[Select]:
    """The SELECTs whose distinct rows a rule with aggregates groups; none unless it has alternatives."""
    if not plan.rule.aggregates or len(plan.branches) < 2:
        return []
    return _alternatives(plan.branches, layout, terms)[0]


def head_select(
    conjunction: Conjunction,
    table: StoredTable,
    layout: Layout,
    terms: Terms,
    *,
    delta: Mapping[int, str] | None = None,
) -> Select:
    """The head's rows for all bindings of a conjunction without aggregates."""
    bindings = body(conjunction, layout, terms, delta=delta)
    head = [terms.expression(term, bindings.env) for term in conjunction.head if not isinstance(term, Fold)]
    return Select(_columns(head, table, terms), tuple(bindings.sources), tuple(bindings.where), distinct=True)


def _columns(head: Sequence[Term], table: StoredTable, terms: Terms) -> tuple[tuple[Term, str], ...]:
    if not head:
        return ((Term("TRUE", Kind.BOOL), HOLDS),)
    return tuple(
        (terms.stored(term, column.kind), column.name) for term, column in zip(head, table.columns, strict=True)
    )


# Aggregates


def _folded(plan: RulePlan, table: StoredTable, bindings: Body, terms: Terms) -> Select:
    """The groups of bindings, folded; a group of which some aggregate has no value has no row."""
    head = plan.branches[0].head
    groups = [bindings.env[term.name] for term in head if isinstance(term, Var)]
    # To SQL a number in GROUP BY is the place of a column.
    grouped = [term.sql for term in groups if not term.literal]
    columns: list[tuple[Term, str]] = []
    for term, column in zip(head, table.columns, strict=True):
        made = (
            fold(term.function, bindings.env[term.argument.name], terms)
            if isinstance(term, Fold)
            else terms.expression(term, bindings.env)
        )
        columns.append((terms.stored(made, column.kind), column.name))
    inner = Select(
        tuple(columns), tuple(bindings.sources), tuple(bindings.where), grouped=tuple(dict.fromkeys(grouped))
    )
    outer = tuple((made.named(f"g.{name}"), name) for made, name in columns)
    present = tuple(
        f"g.{name} IS NOT NULL" for term, (_, name) in zip(head, columns, strict=True) if isinstance(term, Fold)
    )
    return Select(outer, (nested(inner.text, "g"),), present, distinct=True)


def fold(function: AggregateFunction, argument: Term, terms: Terms) -> Term:
    """One aggregate of the bindings of a group; NULL where it has no value."""
    sql, value = argument.sql, argument.kind is Kind.VALUE
    known = f" FILTER (WHERE {sql} <> 'n')" if value else ""
    match function, argument.kind:
        case (("count" | "count_distinct"), Kind.NULL):
            return _nothing(Kind.INT, terms)
        case "count", _:
            return Term(f"nullif(count({sql}){known}, 0)", Kind.INT, partial=True)
        case "count_distinct", _:
            return Term(f"nullif(count(DISTINCT {sql}){known}, 0)", Kind.INT, partial=True)
        case _, Kind.VALUE:
            return Term(terms.dialect.fold(function, sql), Kind.VALUE, partial=True)
        case "sum", Kind.INT:
            return Term(f"int_fit(sum({sql}))", Kind.INT, partial=True)
        case "avg", Kind.INT:
            return Term(f"value_average(sum({sql}), count({sql}))", Kind.VALUE, partial=True)
        case (("min" | "max"), Kind.INT):
            return Term(f"{function}({sql})", Kind.INT, partial=True)
        case (("min" | "max"), Kind.TEXT):
            plain = f"{function}({sql}{terms.dialect.collation})"
            # A column's collation must be the same wherever its rows come from.
            return Term(plain + (' COLLATE "default"' if terms.dialect.collation else ""), Kind.TEXT, partial=True)
        case _:
            return _nothing(argument.kind if function in ("min", "max") else Kind.VALUE, terms)


def _nothing(kind: Kind, terms: Terms) -> Term:
    kind = Kind.VALUE if kind is Kind.NULL else kind
    return Term(f"CAST(NULL AS {terms.dialect.type(kind)})", kind, partial=True)


def _alternatives(
    branches: Sequence[Conjunction], layout: Layout, terms: Terms
) -> tuple[list[Select], dict[str, Term]]:
    """The partial assignments of all branches, and each variable as a column of them."""
    bodies = [body(branch, layout, terms, everything=True) for branch in branches]
    names = Names()
    variables = list(dict.fromkeys(name for each in bodies for name in sorted(each.env) if _is_variable(name)))
    kinds = {name: reduce(common_kind, _kinds(name, bodies)) for name in variables}
    kinds = {name: Kind.VALUE if kind is Kind.NULL else kind for name, kind in kinds.items()}
    selects = []
    for each in bodies:
        assigned = Term(terms.text(",".join(sorted(filter(_is_variable, each.env)))), Kind.TEXT)
        columns = [(terms.stored(assigned, Kind.TEXT), _ASSIGNED)]
        columns += [(_assigned(name, each.env, kinds[name], terms), names.of(f"v {name}")) for name in variables]
        selects.append(Select(tuple(columns), tuple(each.sources), tuple(each.where)))
    env = {
        name: Term(f"b.{names.of(f'v {name}')}", kinds[name], nullable=_may_be_null(name, bodies, kinds[name]))
        for name in variables
    }
    return selects, env


def _is_variable(name: str) -> bool:
    """Whether a name is of the rule, and not made for a comparison."""
    return not name.startswith(MADE)


def _kinds(name: str, bodies: Sequence[Body]) -> Iterator[Kind]:
    return (each.env[name].kind for each in bodies if name in each.env)


def _may_be_null(name: str, bodies: Sequence[Body], kind: Kind) -> bool:
    if kind is Kind.VALUE:
        return False
    return any(name not in each.env or each.env[name].nullable for each in bodies)


def _assigned(name: str, env: Env, kind: Kind, terms: Terms) -> Term:
    """A variable's value, or NULL in a branch that does not have it."""
    if name in env:
        return terms.stored(env[name], kind)
    return Term(f"CAST(NULL AS {terms.dialect.type(kind)})", kind)
