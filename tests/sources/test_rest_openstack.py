"""The driver `rest` against a real OpenStack and a real VNF manager."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import yaml

from congresslite.schema import TableData
from congresslite.sources import Definition, shipped_definition
from congresslite.sources.driver import Deadline, Part
from congresslite.sources.drivers.rest import CallbackSettings, RestDriver, Settings, open_driver
from tests.controlplane.fixture import controlplane
from tests.sources.service import failure, rows
from tests.waiting import until

SOURCES = ("nova", "neutronv2", "keystonev3", "glancev2", "placement", "vnfm")
# Tables that may well have no rows in a control plane that is only started.
MAY_BE_EMPTY = {
    "nova:tags", "nova:servers.volumes", "nova:flavors.extra_specs", "nova:migrations", "keystonev3:projects.tags",
    "neutronv2:allowed_address_pairs", "neutronv2:dns_nameservers", "neutronv2:host_routes", "vnfm:alarms",
    "vnfm:virtual_links", "vnfm:storage_resources", "vnfm:pm_jobs", "vnfm:pm_job_objects", "vnfm:pm_job_metrics",
    "vnfm:pm_job_reports", "vnfm:thresholds",
}  # fmt: skip


def settings(**changed: Any) -> Settings:
    """How the services of the cloud are found and logged in to."""
    cloud = yaml.safe_load(controlplane().clouds.read_text("utf-8"))["clouds"]["lab-admin"]
    given = cloud["auth"]
    auth = {
        "type": "keystone",
        "auth_url": given["auth_url"],
        "username": given["username"],
        "password": given["password"],
        "project": given["project_name"],
        "region": cloud["region_name"],
    }
    return Settings.model_validate({"auth": {**auth, **changed}})


@contextmanager
def opened(definition: Definition, **changed: Any) -> Iterator[RestDriver]:
    """A driver that finds its service in the catalogue of the cloud."""
    made = open_driver(definition.source, settings(**changed), definition)
    try:
        yield made
    finally:
        made.close()


def pulled(made: RestDriver, reply: str) -> dict[str, TableData]:
    """The tables of a reply."""
    return {name: table for name, table in made.pull(reply, Deadline.after(60)).items() if not isinstance(table, Part)}


def keys(table: TableData) -> list[tuple[Any, ...]]:
    """The keys of a table."""
    names = table.schema.key
    columns = table.columns(names)
    lists = [values if isinstance(values, list) else values.to_pylist() for values in map(columns.__getitem__, names)]
    return list(zip(*lists, strict=True))


def place(part: Part) -> int:
    """Where the column stands that a part is cut out by."""
    found = part.rows.schema.position(part.column)
    assert found is not None
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_pulled(source: str):
    """All tables of a definition are filled, each value of its type, each key once."""
    with opened(shipped_definition(source)) as made:
        for feed in made.feeds:
            for name, table in pulled(made, feed.name).items():
                full = f"{source}:{name}"
                assert table.schema.name == full
                assert table.num_rows or full in MAY_BE_EMPTY, full
                assert not table.schema.key or len(set(keys(table))) == table.num_rows, full


PAGED = [
    *[("nova", reply) for reply in ("servers", "flavors", "hypervisors", "server_groups")],
    *[("neutronv2", reply) for reply in ("ports", "networks", "security_groups")],
    ("glancev2", "images"),
]


@pytest.mark.parametrize(("source", "reply"), PAGED, ids=["-".join(each) for each in PAGED])
def test_paged(source: str, reply: str):
    """What comes in short pages is what comes at once."""
    definition = shipped_definition(source)
    asked = definition.replies[reply]
    limited = replace(asked, paging=replace(asked.paging, size=("limit", 3)))
    paged = replace(definition, replies={**definition.replies, reply: limited})
    with opened(definition) as whole, opened(paged) as by_three:
        both = (whole, by_three)

        def agree() -> bool:
            # Others may change something in between: then they agree the next time.
            at_once, in_pages = ({name: rows(table) for name, table in pulled(each, reply).items()} for each in both)
            return at_once == in_pages

        until(agree)


SINGLE = [
    (source, name)
    for source in SOURCES
    for name, reply in shipped_definition(source).replies.items()
    if reply.one is not None
]


@pytest.mark.parametrize(("source", "reply"), SINGLE, ids=["-".join(each) for each in SINGLE])
def test_single(source: str, reply: str):
    """Objects that are asked for singly have the rows that they have in the whole, and one that is gone has none."""
    gone = "00000000-0000-4000-8000-000000000000"
    own, key = next(iter(shipped_definition(source).identities[reply].items()))
    with opened(shipped_definition(source)) as made:

        def agree() -> bool:
            whole = pulled(made, reply)
            wanted = {str(each[0]) for each in keys(whole[own])[:2]} | {gone}
            found = made.pull_some(reply, wanted, Deadline.after(60)) or {}
            assert all(isinstance(part, Part) and part.keys == wanted for part in found.values())
            parts = {name: part for name, part in found.items() if isinstance(part, Part)}
            assert parts[own].column == key
            return {name: rows(part.rows) for name, part in parts.items()} == {
                name: [row for row in rows(whole[name]) if row[place(part)] in wanted] for name, part in parts.items()
            }

        until(agree)


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"region": "nowhere"}], ids=["password", "region"])
def test_refused(changed: dict[str, str]):
    """What Keystone refuses, or does not know, is told without the password."""
    with opened(shipped_definition("nova"), **changed) as made:
        told = failure(made, feed="servers", within=60)
        assert told.code == "CL478"
        assert changed.get("password", "secret") not in str(told)


@pytest.mark.parametrize(("roles", "code"), [(["admin"], "CL478"), ([], "CL407")], ids=["the roles", "the servers"])
def test_not_an_admin(roles: list[str], code: str):
    """Whoever may not see everything is told so, and gets no servers without their hosts."""
    cloud = yaml.safe_load(controlplane().clouds.read_text("utf-8"))["clouds"]["lab-alpha"]["auth"]
    definition = shipped_definition("nova")
    own = replace(definition.replies["servers"], path="/servers/detail")
    definition = replace(definition, replies={**definition.replies, "servers": own})
    user = {"username": cloud["username"], "password": cloud["password"], "project": cloud["project_name"]}
    with opened(definition, **user, roles=roles) as made:
        assert failure(made, feed="servers", within=60).code == code


def listening(made: RestDriver) -> type[BaseHTTPRequestHandler]:
    """What answers at our address, where the VNF manager tells of changes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            made.notified(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def test_measurements():
    """A job that measures a VNF instance is in the tables, with what it measures."""
    definition, known = shipped_definition("vnfm"), settings()
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    made = open_driver("vnfm", known, definition)
    server.RequestHandlerClass = listening(made)  # the VNF manager asks whether the address is there
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = made._open()
    found = pulled(made, "vnf_instances")["vnf_instances"].columns(["id", "instantiation_state"])
    instance = next(id_ for id_, state in zip(*found.values(), strict=True) if str(state) == "INSTANTIATED")
    metric = f"VCpuUsageMeanVnf.{instance}"
    body = {
        "objectType": "Vnf",
        "objectInstanceIds": [str(instance)],
        "criteria": {"performanceMetric": [metric], "collectionPeriod": 30, "reportingPeriod": 60},
        "callbackUri": f"http://127.0.0.1:{server.server_address[1]}/measured",
    }
    headers = {"Version": "2.1.0"}
    job = client.send("POST", "/vnfpm/v2/pm_jobs", headers, body, Deadline.after(60)).body["id"]
    try:
        tables = pulled(made, "pm_jobs")
        assert (job, "Vnf", 30, 60, None) in rows(tables["pm_jobs"])
        assert (job, str(instance)) in rows(tables["pm_job_objects"])
        assert (job, metric) in rows(tables["pm_job_metrics"])
    finally:
        client.send("DELETE", f"/vnfpm/v2/pm_jobs/{job}", headers, None, Deadline.after(60))
        client.close()
        made.close()
        server.shutdown()
        server.server_close()


def test_told():
    """A VNF manager tells of an instance as soon as it is made, and of its end, and keeps no subscription of ours."""
    definition, known = shipped_definition("vnfm"), settings()
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    address = f"http://127.0.0.1:{server.server_address[1]}/v1/sources/vnfm/hooks/notify"
    made = open_driver("vnfm", known.model_copy(update={"callback": CallbackSettings(url=address)}), definition)
    server.RequestHandlerClass = listening(made)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    woken: list[tuple[str, tuple[str, ...]]] = []
    watch = made.watch(lambda feed, keys=None: woken.append((feed, tuple(keys or ()))))
    assert watch is not None
    until(lambda: watch.fault is None)
    headers = {"Version": "2.0.0"}
    (vnfd, *_) = pulled(made, "vnf_instances")["vnf_instances"].columns(["vnfd_id"])["vnfd_id"]
    client = made._open()
    body = {"vnfdId": str(vnfd), "vnfInstanceName": f"congresslite-{os.getpid()}"}
    instance = client.send("POST", "/vnflcm/v2/vnf_instances", headers, body, Deadline.after(60)).body["id"]
    told = ("vnf_instances", (instance,))
    until(lambda: told in woken)
    client.send("DELETE", f"/vnflcm/v2/vnf_instances/{instance}", headers, None, Deadline.after(60))
    until(lambda: woken.count(told) == 2)
    made.close()
    left = client.get("/vnflcm/v2/subscriptions", headers, Deadline.after(60)).body
    assert address not in [each["callbackUri"] for each in left]
    client.close()
    server.shutdown()
    server.server_close()
