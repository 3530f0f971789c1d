"""Checked programs to relational plans, which every back end evaluates or prints."""

from congresslite.plan.build import build_plan, plan_rule
from congresslite.plan.nodes import Condition, Conjunction, Plan, RulePlan, StratumPlan

__all__ = ["Condition", "Conjunction", "Plan", "RulePlan", "StratumPlan", "build_plan", "plan_rule"]
