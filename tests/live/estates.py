"""Running estates for tests: real sources in a folder, a real store, and how to wait for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from congresslite.config.models import Config
from congresslite.live import Caller, LiveEstate, open_estate

PATIENCE = 60.0
ADMIN = Caller("root", "admin")

INVENTORY = """\
source: inv
tables:
  tenant: {key: [id], columns: {id: str}}
  vm:
    key: [id]
    owner: tenant
    columns: {id: str, host: str, vcpus: int, tenant: {type: str, references: tenant.id}}
  host: {key: [id], columns: {id: str, state: str}}
  note: {columns: {id: str, text: any}}
"""

POLICY = """\
policy placement(description = "VMs run on hosts that are up").
@id("R1") @severity("high") @object(vm) @message("{vm} is on {host}, which is {state}")
error(vm, host) :- inv:vm(id=vm, host=host), inv:host(id=host, state=state), state != "up".
@id("R2") @severity("low") @object(host)
warning(host, sum(n)) :- inv:vm(id=v, host=host, vcpus=n).
"""

Value = TypeVar("Value")


def wait(condition: Callable[[], Value | None]) -> Value:
    """What a condition gives once it gives something."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def pushed(folder: Path, **more: Any) -> Config:
    """The configuration of an estate whose inventory is pushed, with a policy that lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inv.yaml").write_text(INVENTORY, encoding="utf-8")
    policy = folder / "placement.dl"
    if not policy.exists():
        policy.write_text(POLICY, encoding="utf-8")
    sources = {"inv": {"driver": "push", "definition": str(folder / "inv.yaml")}}
    return Config.model_validate({"state": folder / "state", "policies": [policy], "sources": sources, **more})


def filed(folder: Path, tables: Mapping[str, str], **settings: Any) -> Config:
    """The configuration of an estate whose inventory is files, CSV texts by table."""
    inventory = folder / "inv"
    inventory.mkdir(parents=True, exist_ok=True)
    declared = yaml.safe_load(INVENTORY)["tables"]
    for table in declared.values():
        table["references"] = {
            name: each.pop("references")
            for name, each in table["columns"].items()
            if isinstance(each, dict) and "references" in each
        }
        table["columns"] = {
            name: each["type"] if isinstance(each, dict) else each for name, each in table["columns"].items()
        }
    (inventory / "_schema.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    for name, text in tables.items():
        (inventory / f"{name}.csv").write_text(text, encoding="utf-8")
    policy = folder / "placement.dl"
    policy.write_text(POLICY, encoding="utf-8")
    source = {"driver": "files", "folder": str(inventory), "settle": 0, "every": 0.2, "deadline": 20, **settings}
    return Config.model_validate({"state": folder / "state", "policies": [policy], "sources": {"inv": source}})


def vm(id_: str, host: str, vcpus: int = 1, tenant: str = "t1") -> dict[str, Any]:
    return {"id": id_, "host": host, "vcpus": vcpus, "tenant": tenant}


def opened(config: Config) -> LiveEstate:
    """An estate that runs."""
    estate = open_estate(config)
    estate.start()
    return estate


def objects(estate: LiveEstate, **wanted: Any) -> set[str | None]:
    """The objects of open violations of the policy's errors."""
    from congresslite.store.records import ViolationFilter

    page = estate.violations(ADMIN, ViolationFilter(rules=["R1"], **wanted))
    return {each.object for each in page.items}
