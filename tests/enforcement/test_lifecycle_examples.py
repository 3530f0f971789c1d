"""
The example of lifecycles: its policies are sound and tested, and do with real scripts what its page says.

Volumes are files here, in the store of the example's script; a Nova or a Cinder takes no part.
"""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from congresslite.config.loading import load_config
from congresslite.config.models import Config
from congresslite.language.check import check
from congresslite.language.lint import lint
from congresslite.live import LiveEstate, open_estate
from congresslite.policy.loading import load_policies
from congresslite.policy.testing import run_tests
from congresslite.schema import Catalog, Column, TableSchema, Type
from congresslite.share import share
from congresslite.sources import catalog_of_definitions
from tests.enforcement.lifecycles import ADMIN, actions, comes_to, done, quiet, stage_of
from tests.opening import stopped_afterwards
from tests.waiting import until

EXAMPLE = share("examples") / "lifecycle"
POLICIES = [path for path in sorted((EXAMPLE / "policies").iterdir()) if not path.stem.endswith("_test")]
MONITOR = """\
source: monitor
tables:
  metric: {key: [object, metric], columns: {object: str, metric: str, value: float, at: str, ok: bool, error: str}}
"""
Open = Callable[..., LiveEstate]


def catalog() -> Catalog:
    """The tables of the definitions that ship, and those of a monitor."""
    known = catalog_of_definitions()
    metric = TableSchema("monitor:metric", (Column("object"), Column("metric"), Column("value", Type.FLOAT),
                                            Column("at"), Column("ok", Type.BOOL), Column("error")))  # fmt: skip
    return Catalog.of([*known.values(), metric], [*known.sources, "monitor", "enforcement"])


def test_sound() -> None:
    """The policies of the example pass the checks and the lint, each with a description and an owner."""
    files, findings = load_policies([EXAMPLE / "policies"])
    assert findings == ()
    result = check(files, catalog())
    assert (*result.diagnostics, *lint(files, result.program, catalog())) == ()
    assert result.program is not None
    assert [each.name for each in result.program.policies if not each.description or not each.owner] == []


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_tested(path: Path) -> None:
    """Each policy of the example has tests beside it, which it passes, and each of its rules fires in one."""
    report = run_tests([path], catalog())
    assert report.diagnostics == ()
    assert report.cases
    assert report.ok, [(case.name, case.differences, case.diagnostics) for case in report.cases]
    assert [rule.rule for rule in report.unfired] == []


def test_the_configuration_is_one(tmp_path: Path) -> None:
    """The example's configuration is read without a finding, and its targets are those that its policies call."""
    loaded = load_config(EXAMPLE / "congresslite.yaml", env={})
    assert set(loaded.config.enforcement.targets) == {"nova", "vnfm", "scripts", "keys"}
    assert set(loaded.config.lifecycle.observe["vnf"]) == {"pcrf:stage", "autoscaling:stage"}


def example(folder: Path, **policies: str) -> Config:
    """The example with inventories that are pushed, and a VIM and a VNF manager that are lines in the log.

    `policies` are its own in other words.
    """
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    (folder / "monitor.yaml").write_text(MONITOR, encoding="utf-8")
    for name, text in policies.items():
        (folder / "policies" / name).write_text(text, encoding="utf-8")
    whole: dict[str, Any] = yaml.safe_load((folder / "congresslite.yaml").read_text(encoding="utf-8"))
    whole["policies"] = [str(folder / "policies")]
    whole["state"] = str(folder / "state")
    whole["sources"] = {name: {"driver": "push", "definition": name} for name in ("nova", "vnfm")}
    whole["sources"]["monitor"] = {"driver": "push", "definition": str(folder / "monitor.yaml")}
    whole["max_affected"] = {"amount": 100, "percent": None}
    targets = whole["enforcement"]["targets"]
    targets |= {"nova": {"executor": "log"}, "vnfm": {"executor": "log"}}
    for name, variable in (("scripts", "CLUSTERS"), ("keys", "VOLUMES")):
        (folder / name.upper()).mkdir(exist_ok=True)
        targets[name] |= {"directory": str(folder / "scripts"), "environment": {variable: str(folder / name.upper())}}
    return Config.model_validate(whole)


def started(made: Config) -> LiveEstate:
    """An estate of a configuration, running."""
    estate = open_estate(made)
    estate.start()
    return estate


@pytest.fixture
def open_() -> Iterator[Open]:
    yield from stopped_afterwards(started)


# -- cluster stitching -----------------------------------------------------------------------------

PARTS = {"s1": "cluman", "s2": "lb", "s3": "session", "s4": "session"}


def cluster(estate: LiveEstate, **states: str) -> None:
    """A PCRF whose machines are in these states, ACTIVE by default."""
    estate.put_rows(ADMIN, "nova", "servers", [{"id": s, "status": states.get(s, "ACTIVE")} for s in PARTS])
    addresses = [{"server_id": s, "address": f"10.0.0.{s[1]}"} for s in PARTS]
    estate.put_rows(ADMIN, "nova", "servers.addresses", addresses)
    parts = [{"vnf_instance_id": "v1", "id": s, "vdu_id": vdu, "resource_id": s} for s, vdu in PARTS.items()]
    estate.put_rows(ADMIN, "vnfm", "vnfc_resources", parts)
    instance = {"id": "v1", "vnf_product_name": "PCRF", "instantiation_state": "INSTANTIATED"}
    estate.put_rows(ADMIN, "vnfm", "vnf_instances", [instance])


def test_a_cluster_is_stitched_once_all_of_it_is_alive(open_: Open, tmp_path: Path) -> None:
    """One script runs, once, when the last machine is up, with all addresses, and not again when one fails later."""
    estate = open_(example(tmp_path))
    cluster(estate, s4="BUILD")
    comes_to(estate, "v1", "deploy")
    assert actions(estate) == []
    cluster(estate)
    comes_to(estate, "v1", "monitoring")
    (record,) = done(estate, 1)
    assert record.action == "scripts:run"
    plan = json.loads((tmp_path / "SCRIPTS" / "v1.json").read_text(encoding="utf-8"))
    assert plan == {"cluster": "v1", "cluman": "10.0.0.1", "lb": "10.0.0.2", "session": ["10.0.0.3", "10.0.0.4"]}
    cluster(estate, s3="SHUTOFF")
    cluster(estate)
    quiet(estate)
    assert len(actions(estate, "succeeded")) == 1
    until(lambda: {each.state for each in actions(estate)} <= {"succeeded", "cancelled"})


# -- key cycling -----------------------------------------------------------------------------------

NODES = ("alpha", "beta", "gamma")


class Vpc:
    """A VPC of the example's store, and what stands on its volumes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = runpy.run_path(str(EXAMPLE / "scripts" / "cycle_keys.py"))
        for name in ("volumes", "keys", *(f"nodes/{node}/attached" for node in NODES)):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.store = self.script["FileStore"](folder)
        for node in NODES:
            private, public = self.script["new_key"](node)
            files = {"ssh/id_ed25519": private, "ssh/id_ed25519.pub": public, "data/node": node}
            self.store.write(f"{node}-keys-{0:012d}", files)
            self.store.attach(node, f"{node}-keys-{0:012d}")

    def volume(self, node: str) -> str:
        """The one volume that is attached to a node."""
        (found,) = self.store.attached(node)
        return str(found)

    def files(self, node: str) -> dict[str, str]:
        """What a node finds on its volume."""
        return dict(self.store.read(self.volume(node)))


def cycled(estate: LiveEstate, vpc: Vpc) -> None:
    """Wait until no node has the volume that it had to begin with."""
    until(lambda: actions(estate, "succeeded", actions=["keys:run"]))
    assert all(not vpc.volume(node).endswith(f"-{0:012d}") for node in NODES)


def often(**names: str) -> dict[str, str]:
    """The policy with another period."""
    text = (EXAMPLE / "policies/key_cycling.yaml").read_text(encoding="utf-8")
    test = (EXAMPLE / "policies/key_cycling_test.yaml").read_text(encoding="utf-8")
    del names
    return {
        "key_cycling.yaml": text.replace("CYCLE_60", "CYCLE_1"),
        "key_cycling_test.yaml": test.replace("CYCLE_60", "CYCLE_1"),
    }


def test_keys_are_cycled_while_the_nodes_run(open_: Open, tmp_path: Path) -> None:
    """Each node gets a new key on an updated copy, which alone is attached; all accept all, and no data is lost."""
    vpc = Vpc(tmp_path / "KEYS" / "vpc1")
    before = {node: vpc.files(node) for node in NODES}
    estate = open_(example(tmp_path, **often()))
    estate.push_rows(ADMIN, "lifecycle", "stage", [{"object": "vpc1", "stage": "monitoring", "level": "deployment"}])
    cycled(estate, vpc)
    estate.push_rows(ADMIN, "lifecycle", "stage", [{"object": "vpc1", "stage": "update", "level": "deployment"}])
    quiet(estate)
    until(lambda: not actions(estate, "planned", "running"))
    after = {node: vpc.files(node) for node in NODES}
    publics = {after[node]["ssh/id_ed25519.pub"] for node in NODES}
    assert len(publics | {before[node]["ssh/id_ed25519.pub"] for node in NODES}) == 6
    for node in NODES:
        assert after[node]["data/node"] == node
        key = load_ssh_private_key(after[node]["ssh/id_ed25519"].encode(), None)
        assert after[node]["ssh/id_ed25519.pub"].startswith(
            key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        )
        assert publics <= set(after[node]["ssh/authorized_keys"].splitlines(keepends=True))
    secrets = [(vpc.folder / "keys" / vpc.volume(node)).read_bytes() for node in NODES]
    assert len(set(secrets)) == 3
    raw = b"".join(path.read_bytes() for path in (vpc.folder / "volumes").iterdir())
    assert b"OPENSSH" not in raw
    assert stage_of(estate, "vpc1") == "update"
    assert {each.action for each in actions(estate)} == {"keys:run"}


def run(vpc: Vpc, at: float) -> list[str]:
    """Cycle the keys of a VPC at a time; the nodes of which it failed."""
    return list(vpc.script["cycle"](vpc.store, f"{int(at):012d}"))


def test_a_failure_on_one_node_leaves_the_others_alone(open_: Open, tmp_path: Path) -> None:
    """A node whose volume cannot be attached keeps its volume and its keys; the others have new ones, and accept it."""
    vpc = Vpc(tmp_path / "KEYS" / "vpc1")
    before = vpc.files("beta")
    folder = vpc.folder / "nodes/beta/attached"
    real = type(vpc.store).attach

    def attach(store: Any, node: str, volume: str) -> None:
        if node == "beta":
            raise OSError("no room for another volume")
        real(store, node, volume)

    type(vpc.store).attach = attach
    assert run(vpc, 60) == ["beta"]
    assert [path.name for path in folder.iterdir()] == [f"beta-keys-{0:012d}"]
    assert vpc.files("beta") == before
    for node in ("alpha", "gamma"):
        assert vpc.volume(node) == f"{node}-keys-{60:012d}"
        assert before["ssh/id_ed25519.pub"] in vpc.files(node)["ssh/authorized_keys"]
    type(vpc.store).attach = real
    alpha = vpc.files("alpha")
    assert run(vpc, 60) == []
    assert vpc.files("alpha") == alpha
    assert vpc.files("beta")["ssh/id_ed25519.pub"] in alpha["ssh/authorized_keys"]
    assert run(vpc, 120) == []
    assert sorted(path.name for path in (vpc.folder / "volumes").iterdir()) == sorted(
        f"{node}-keys-{at:012d}" for node in NODES for at in (60, 120)
    )


@pytest.mark.parametrize("step", ["copy", "write", "attach", "detach", "delete"])
def test_it_may_end_anywhere(step: str, tmp_path: Path) -> None:
    """However often it is ended between any two steps, another attempt brings each node to exactly one new volume."""
    vpc = Vpc(tmp_path / "vpc1")
    kind = type(vpc.store)
    real = getattr(kind, step)
    calls = 0

    def ending(store: Any, *arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise KeyboardInterrupt
        real(store, *arguments)

    setattr(kind, step, ending)
    for at in range(1, 8):
        calls = 0
        try:
            run(vpc, 60 * at)
        except KeyboardInterrupt:
            calls = 99
            assert run(vpc, 60 * at) == []
        assert [vpc.volume(node) for node in NODES] == [f"{node}-keys-{60 * at:012d}" for node in NODES]
        accepted = [set(vpc.files(node)["ssh/authorized_keys"].splitlines(keepends=True)) for node in NODES]
        assert all({vpc.files(node)["ssh/id_ed25519.pub"] for node in NODES} <= each for each in accepted)


# -- autoscaling -----------------------------------------------------------------------------------


def load(estate: LiveEstate, value: float) -> None:
    row = {
        "object": "v1",
        "metric": "cpu_percent",
        "value": value,
        "at": "2026-01-31 12:00:00",
        "ok": True,
        "error": None,
    }
    estate.put_rows(ADMIN, "monitor", "metric", [row])


def test_scaling_by_load(open_: Open, tmp_path: Path) -> None:
    """A high load scales out, once for each cool-down; within the band nothing is done; a low load scales in."""
    estate = open_(example(tmp_path))
    instance = {"id": "v1", "vnf_product_name": "DNS", "instantiation_state": "INSTANTIATED"}
    estate.put_rows(ADMIN, "vnfm", "vnf_instances", [instance])
    level = {"vnf_instance_id": "v1", "aspect_id": "workers", "scale_level": 1}
    estate.put_rows(ADMIN, "vnfm", "scale_status", [level])
    estate.put_rows(ADMIN, "vnfm", "max_scale_levels", [{**level, "scale_level": 3}])
    estate.push_rows(ADMIN, "lifecycle", "stage", [{"object": "v1", "stage": "monitoring"}])
    load(estate, 70)
    assert stage_of(estate, "v1") == "monitoring"
    load(estate, 90)
    (record,) = done(estate, 1)
    assert (record.action, record.arguments) == ("vnfm:scale_out", ("v1", "workers", 1))
    # It is still overloaded: once more, after the cool-down.
    (waiting,) = until(lambda: [each for each in actions(estate, "planned") if each.guard == "cooldown"])
    assert waiting.action == "vnfm:scale_out"
    load(estate, 50)
    comes_to(estate, "v1", "monitoring")
    until(lambda: actions(estate, "cancelled"))
    load(estate, 30)
    load(estate, 10)
    done(estate, 2)
    assert [each.action for each in actions(estate, "succeeded")] == ["vnfm:scale_out", "vnfm:scale_in"]


# -- healing ---------------------------------------------------------------------------------------


def test_healing_and_deploying_anew(open_: Open, tmp_path: Path) -> None:
    """A VNF that healing does not help is healed twice, taken down, and deployed anew; the last word is an error."""
    text = (
        (EXAMPLE / "policies/healing.dl")
        .read_text(encoding="utf-8")
        .replace(", 120,", ", 1,")
        .replace(", 600,", ", 1,")
    )
    made = example(tmp_path, **{"healing.dl": text})
    enforcement = made.enforcement.model_copy(
        update={"defaults": made.enforcement.defaults.model_copy(update={"cooldown": 0.0})}
    )
    estate = open_(made.model_copy(update={"enforcement": enforcement}))
    cluster(estate, s1="ERROR")
    names = [each.action for each in done(estate, 3)]
    assert names == ["vnfm:heal", "vnfm:heal", "vnfm:terminate"]
    instance = {"id": "v1", "vnf_product_name": "PCRF", "instantiation_state": "NOT_INSTANTIATED"}
    estate.put_rows(ADMIN, "vnfm", "vnf_instances", [instance])
    record = done(estate, 4)[-1]
    assert (record.action, record.arguments) == ("vnfm:instantiate", ("v1", "simple"))
    until(lambda: [row[4] for row in estate.snapshot().rows("lifecycle:recovery")] != ["acting"])
    cluster(estate, s1="ERROR")
    until(lambda: [row[4] for row in estate.snapshot().rows("lifecycle:recovery")] == ["exhausted"])
    assert estate.snapshot().count("healing:error") == 1
    assert len(actions(estate, "succeeded")) == 4
