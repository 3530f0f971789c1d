"""Checked programs to relational plans, which every back end evaluates or prints."""

from congresslite.plan.alternatives import isolate_aggregates
from congresslite.plan.build import build_plan, plan_body, plan_rule
from congresslite.plan.nodes import Condition, Conjunction, Plan, RulePlan, StratumPlan
from congresslite.plan.projections import project

__all__ = [
    "Condition",
    "Conjunction",
    "Plan",
    "RulePlan",
    "StratumPlan",
    "build_plan",
    "isolate_aggregates",
    "plan_body",
    "plan_rule",
    "project",
]
