"""
Policies in `enforce` over a real OpenStack and a real Tacker: what rules command is done there, once, and each record
says what the cloud itself reports.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import yaml

from tests.controlplane.fixture import ControlPlane, controlplane
from tests.controlplane.seeds.vnf import USER_DATA, Vnfm
from tests.enforcement.test_vnfm_tacker import ASPECT, OCCURRENCES, PATH, TENANT, ZONE, instance, level, profile
from tests.live.serving import Served, served
from tests.sources.test_openstack_live import a_server
from tests.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]
WANTED = "source: want\ntables:\n  to: {key: [object], columns: {object: str, action: str, term: str}}\n"
POLICY = f"""\
policy wanted(description = "Objects are brought to what is wanted of them", mode = "enforce").
execute[nova:stop(s)] :- want:to(object=s, action="stop"), nova:servers(id=s, status="ACTIVE").
execute[nova:start(s)] :- want:to(object=s, action="start"), nova:servers(id=s, status="SHUTOFF").
execute[nova:live_migrate(s)] :- want:to(s, "live_migrate", host), nova:servers(id=s, host_name=host).
execute[nova:migrate(s)] :- want:to(s, "migrate", host), nova:servers(id=s, host_name=host).
execute[nova:resize(s, f)] :- want:to(s, "resize", f), nova:servers(id=s, flavor_id=now), now != f.
execute[nova:rebuild(s, image)] :- want:to(s, "rebuild", image), nova:servers(id=s).
execute[vnfm:instantiate(v, "simple", "instantiation_level_1")] :-
    want:to(object=v, action="instantiate"), vnfm:vnf_instances(id=v, instantiation_state="NOT_INSTANTIATED").
execute[vnfm:scale_out(v, "{ASPECT}")] :- want:to(object=v, action="scale_out"), vnfm:scale_status(v, "{ASPECT}", 0).
execute[vnfm:heal(v, "a rule")] :- want:to(object=v, action="heal"), vnfm:vnf_instances(id=v).
execute[vnfm:terminate(v, "FORCEFUL")] :-
    want:to(object=v, action="terminate"), vnfm:vnf_instances(id=v, instantiation_state="INSTANTIATED").
"""


@pytest.fixture(scope="module")
def plane() -> ControlPlane:
    """The control plane."""
    return controlplane()


@pytest.fixture
def cloud(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A connection of OpenStack's own SDK, as the admin."""
    with plane.connect() as made:
        monkeypatch.setenv("KEYSTONE_PORT", str(urlsplit(made.config.auth["auth_url"]).port))
        yield made


@contextmanager
def estate(plane: ControlPlane, cloud: Any, folder: Path) -> Iterator[Served]:
    """A server that polls the cloud every second, and may act on it."""
    (folder / "want.yaml").write_text(WANTED, "utf-8")
    (folder / "wanted.dl").write_text(POLICY, "utf-8")
    clouds = yaml.safe_load(plane.clouds.read_text("utf-8"))["clouds"]
    login = clouds["lab-admin"]["auth"]
    auth = {key: login[key] for key in ("auth_url", "username", "password")} | {"project": login["project_name"]}
    profiles = folder / "profiles"
    profiles.mkdir()
    (profiles / "default.json").write_text(json.dumps(profile(cloud, clouds[f"lab-{TENANT}"]["auth"], ZONE)), "utf-8")
    second = {"nfv": {"VDU": {"VDU1-1": {"locationConstraints": ZONE}}}}
    vnfm = {
        "executor": "vnfm", "auth": {"type": "keystone", **auth}, "profiles": str(profiles),
        "parameters": {"scale_out": {**USER_DATA, **second}, "heal": USER_DATA},
    }  # fmt: skip
    place = {"cloud": "lab-admin", "clouds": str(plane.clouds)}
    source = {"driver": "openstack", **place, "every": "1s"}
    config = {
        "state": str(folder / "state"),
        "policies": [str(folder / "wanted.dl")],
        "sources": {
            "nova": {**source, "notifications": {"url": plane.broker}},
            "vnfm": source,
            "want": {"driver": "push", "definition": str(folder / "want.yaml")},
        },
        "enforcement": {
            "targets": {"nova": {"executor": "openstack", **place}, "vnfm": vnfm},
            "defaults": {"cooldown": 0, "backoff": "1s", "attempts": 10},
        },
    }
    with served(folder, config) as server:
        until(lambda: not server.get("/v1/violations")["undetermined"], 120)
        yield server


def enforced(server: Served, object_: str, action: str, term: str = "") -> dict[str, Any]:
    """Let something be wanted of an object; the record of the action that came of it, once that is over."""
    before = {each["id"] for each in server.get("/v1/actions?limit=1000")["items"]}
    rows = "/v1/sources/want/tables/to/rows"
    server.ask("POST", rows, {"upsert": [{"object": object_, "action": action, "term": term}]})

    def over() -> dict[str, Any] | None:
        new = [each for each in server.get("/v1/actions?limit=1000")["items"] if each["id"] not in before]
        ended = [each for each in new if each["state"] in ("succeeded", "failed", "held", "stopped", "timed_out")]
        return ended[0] if ended else None

    found = until(over, 300)
    server.ask("POST", rows, {"delete": [{"object": object_}]})
    record: dict[str, Any] = server.get(f"/v1/actions/{found['id']}")["action"]
    assert record["state"] == "succeeded", json.dumps(record, indent=1)
    return record


def test_servers_are_brought_to_what_is_wanted(plane: ControlPlane, cloud: Any, tmp_path: Path) -> None:
    """Rules stop, start, migrate, resize and rebuild a server; Nova has one record of each, the one that ours names."""
    compute = cloud.compute
    with estate(plane, cloud, tmp_path) as ours, a_server(cloud, f"test-{uuid4().hex[:8]}") as server:
        flavor = compute.find_flavor("vnf.medium", ignore_missing=False).id
        image = cloud.image.find_image("vnf-base", ignore_missing=False).id

        def seen() -> Any:
            return compute.get(f"/servers/{server.id}", microversion="2.46").json()["server"]

        def wanted(action: str, term: str = "") -> Any:
            record = enforced(ours, server.id, action, term)
            told = compute.get(f"/servers/{server.id}/os-instance-actions", microversion="2.58").json()
            of_ours = [each for each in told["instanceActions"] if each["request_id"] == record["reference"]]
            assert len(of_ours) == 1, (record, told)
            return seen()

        assert wanted("stop")["status"] == "SHUTOFF"
        assert wanted("start")["status"] == "ACTIVE"
        host = seen()["OS-EXT-SRV-ATTR:host"]
        there = wanted("live_migrate", host)["OS-EXT-SRV-ATTR:host"]
        assert there != host
        back = wanted("migrate", there)
        assert (back["OS-EXT-SRV-ATTR:host"] != there, back["status"]) == (True, "ACTIVE")
        assert wanted("resize", flavor)["flavor"]["id"] == flavor
        assert wanted("rebuild", image)["image"]["id"] == image
        told = compute.get(f"/servers/{server.id}/os-instance-actions", microversion="2.58").json()["instanceActions"]
        kinds = [each["action"] for each in told]
        assert {kind: kinds.count(kind) for kind in ("stop", "start", "live-migration", "rebuild")} == dict.fromkeys(
            ("stop", "start", "live-migration", "rebuild"), 1
        )


def test_a_vnf_is_brought_to_what_is_wanted(plane: ControlPlane, cloud: Any, tmp_path: Path) -> None:
    """Rules instantiate, scale, heal and terminate a VNF; Tacker has one operation of each, the one that ours names."""
    tacker = Vnfm(cloud)
    with estate(plane, cloud, tmp_path) as ours, instance(tacker) as id_:

        def wanted(action: str, operation: str) -> Any:
            record = enforced(ours, id_, action)
            told = tacker.get(f"{OCCURRENCES}/{record['reference']}")
            assert (told["operation"], told["operationState"]) == (operation, "COMPLETED")
            assert told["operationParams"]["additionalParams"]["congresslite_key"] == record["id"]
            return tacker.get(f"{PATH}/{id_}")

        assert wanted("instantiate", "INSTANTIATE")["instantiationState"] == "INSTANTIATED"
        assert level(wanted("scale_out", "SCALE")) == 1
        assert wanted("heal", "HEAL")["instantiationState"] == "INSTANTIATED"
        assert wanted("terminate", "TERMINATE")["instantiationState"] == "NOT_INSTANTIATED"
        assert len(tacker.get(f"{OCCURRENCES}?filter=(eq,vnfInstanceId,{id_})&all_fields")) == 4
