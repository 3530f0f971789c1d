"""
Aggregates as single conjunctions, and never within a recursion.

An aggregate in a recursive stratum reads lower strata only; it gets a table of
its own before the recursion, which reads that.

With `or` in its body, a rule's binding is the partial assignment that one of
the alternatives makes, and two alternatives may make the same. So the bindings
are derived first, as a set like any other table: a text that tells which
variables are assigned, then the value of each variable (null where there is
none). The aggregate folds that table, and has one alternative.
"""

from __future__ import annotations

from dataclasses import replace

from congresslite.language.program import Const, Match, RuleKind, Stratum, Var
from congresslite.plan.nodes import Conjunction, Plan, RulePlan, StratumPlan
from congresslite.plan.variables import bound_after


def isolate_aggregates(plan: Plan) -> Plan:
    """The plan in which every aggregate has one conjunction, in a stratum that is not recursive."""
    strata: list[StratumPlan] = []
    for stratum in plan.strata:
        rules = []
        for number, each in enumerate(stratum.rules):
            rule = each
            if rule.rule.aggregates and len(rule.branches) != 1:
                bindings, rule = _bindings(rule, f"{rule.rule.table}@{number}")
                strata.append(bindings)
            if rule.rule.aggregates and stratum.stratum.recursive:
                table, rule = _apart(rule, f"{rule.rule.table}&{number}")
                strata.append(table)
            rules.append(rule)
        strata.append(replace(stratum, rules=tuple(rules)))
    return Plan(tuple(strata))


def _apart(plan: RulePlan, name: str) -> tuple[StratumPlan, RulePlan]:
    """The table of a rule of its own, and the rule that copies it."""
    variables = tuple(Var(f"c{place}") for place in range(len(plan.rule.head)))
    stratum = StratumPlan(Stratum((name,), recursive=False), (replace(plan, rule=replace(plan.rule, table=name)),))
    copied = Conjunction(variables, (Match(name, variables),))
    return stratum, RulePlan(replace(plan.rule, head=variables), (copied,))


def _bindings(plan: RulePlan, name: str) -> tuple[StratumPlan, RulePlan]:
    """The table of a rule's bindings, and the rule over it."""
    assigned = [_assigned(branch) for branch in plan.branches]
    names = sorted(set().union(*assigned))
    branches = tuple(
        replace(
            branch,
            head=(Const(",".join(sorted(mine))), *(Var(each) if each in mine else Const(None) for each in names)),
        )
        for branch, mine in zip(plan.branches, assigned, strict=True)
    )
    variables = tuple(map(Var, names))
    made = replace(
        plan.rule, kind=RuleKind.DERIVE, table=name, head=(Var("$which"), *variables), message=None, object=None
    )
    folded = Conjunction(plan.rule.head, (Match(name, (Var("$which"), *variables)),))
    stratum = StratumPlan(Stratum((name,), recursive=False), (RulePlan(made, branches),))
    return stratum, RulePlan(plan.rule, (folded,))


def _assigned(branch: Conjunction) -> set[str]:
    """The variables that a binding of this alternative has."""
    scanned = {term.name for scan in branch.scans for term in scan.terms if isinstance(term, Var)}
    return bound_after(scanned, branch.conditions)
