"""Violations for the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from congresslite.store.records import Opened, RuleRecord

RULE = RuleRecord(
    "nfv", "R1", "error", "high", "warn", "nfv:error", ("vm", "host"), ("nova:servers", "inv:host"), "nfv.dl", 4
)
GRAVE = replace(RULE, rule="R2", severity="critical", tables=("neutron:ports",), line=9)
OTHER = replace(RULE, policy="dry", rule="any", kind="warning", severity="low", mode="dryrun", table="dry:warning")
RULES = (RULE, GRAVE, OTHER)


def id_of(number: int) -> str:
    """An id, as violations have them."""
    return f"{number:032x}"


def opened(number: int, rule: RuleRecord = RULE, **more: Any) -> Opened:
    """The violation of that number."""
    given: dict[str, Any] = {
        "row": (f"vm{number}", number), "object": f"vm{number}", "tenant": "acme", "site": "pop-1",
        "message": f"vm{number} runs on the wrong host",
    }  # fmt: skip
    return Opened(id_of(number), rule, **{**given, **more})
