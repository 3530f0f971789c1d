"""The driver for JSON over HTTP: its settings, its feeds, and what becomes of replies that changed their shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from congresslite.diagnostics import SourceError
from congresslite.share import share
from congresslite.sources import load_definition, open_inventory, shipped_definition, shipped_names
from congresslite.sources.driver import Deadline
from congresslite.sources.drivers.rest import Settings, open_driver
from tests.sources.service import BOXES, Asked, Say, driver, failure, rows, service

ESTATE = share("examples") / "estate"
ASKED = [name for name in shipped_names() if shipped_definition(name).replies]


class Estate:
    """A service that gives what was recorded of a source, as the definition asks for it."""

    def __init__(self, source: str) -> None:
        self.definition = shipped_definition(source)
        self.folder = ESTATE / source

    def recorded(self, reply: str) -> Any:
        """What was recorded; a table given as a file, as a list of objects."""
        path = self.folder / f"{reply}.json"
        if path.exists():
            return json.loads(path.read_text("utf-8"))
        table = open_inventory(ESTATE).table(f"{self.definition.source}:{reply}")
        names = [each.name for each in table.schema.columns]
        return [dict(zip(names, row, strict=True)) for row in rows(table)]

    def __call__(self, asked: Asked) -> Say:
        """A reply, an element of one, or a part of one."""
        for reply in self.definition.replies.values():
            whole = self.recorded(reply.name)
            base = reply.path.partition("?")[0]
            if asked.path == base and not (reply.each and reply.each.by):
                offset = int(asked.query.get("offset", 0))
                return Say(whole if not offset else {reply.items: []})
            if reply.each is not None and asked.path.startswith(f"{base}/"):
                name, _, part = asked.path.removeprefix(f"{base}/").partition("/")
                if part:
                    return Say(whole[name][part])
                return Say(next(each for each in whole if each["id"] == name))
        return Say({}, 404)


@pytest.mark.parametrize("source", ASKED)
def test_as_recorded(source: str):
    """A source that is asked over HTTP has the same rows as what was recorded of it, table by table."""
    inventory = open_inventory(ESTATE)
    with service(Estate(source)) as there:
        made = open_driver(source, Settings(url=there.url), shipped_definition(source))
        pulled = {
            name: table for feed in made.feeds for name, table in made.pull(feed.name, Deadline.after(30)).items()
        }
        assert {f"{source}:{name}" for name in pulled} == {
            name for name in inventory.catalog if name.startswith(f"{source}:")
        }
        for name, table in pulled.items():
            assert rows(table) == rows(inventory.table(f"{source}:{name}")), name
        made.close()


def test_named(tmp_path: Path):
    """A source's tables are named after the source, whatever its definition is called."""
    made = open_driver("paris", Settings(url="http://127.0.0.1:1"), shipped_definition("nova"))
    assert made.schemas["servers"].name == "paris:servers"
    assert made.owners["servers.addresses"] == "server_id"
    assert [feed.name for feed in made.feeds] == list(shipped_definition("nova").replies)
    assert made.feeds[1].tables == ("flavors", "flavors.extra_specs")
    made.close()


def test_tables_without_a_reply(tmp_path: Path):
    """A table that comes from no reply is not offered, and a definition without replies has nothing to offer."""
    both = f"replies: {{boxes: {{path: /boxes}}}}\n{BOXES}  crates: {{description: Crates, columns: {{id: str}}}}\n"
    with driver("http://127.0.0.1:1", tmp_path, both) as lab:
        assert list(lab.schemas) == ["boxes"]
    path = tmp_path / "files.yaml"
    path.write_text("source: files\ntables: {crates: {description: Crates, columns: {id: str}}}\n")
    with pytest.raises(SourceError) as caught:
        open_driver("files", Settings(url="http://127.0.0.1:1"), load_definition(path))
    assert caught.value.diagnostics[0].code == "CL479"


# -- a reply that changed its shape --------------------------------------------------------------------

LAB = """
replies: {boxes: {path: /boxes}}
tables:
  boxes:
    description: Boxes
    from: boxes
    rows: boxes
    key: [id]
    present: [size]
    columns: {id: str, size: int, lid: {path: lid.kind, type: str}}
"""
CHANGED = {
    "another name of the list": ({"crates": []}, "CL434"),
    "an object in place of the list": ({"boxes": {"a": {"size": 1}}}, "CL434"),
    "null in place of the list": ({"boxes": None}, "CL434"),
    "an error with the status of a success": ({"error": "not today"}, "CL434"),
    "another name of the key": ({"boxes": [{"uuid": "a", "size": 1}]}, "CL407"),
    "another name of a column": ({"boxes": [{"id": "a", "length": 1}]}, "CL407"),
    "another type": ({"boxes": [{"id": "a", "size": "big"}]}, "CL407"),
    "an object in place of a value": ({"boxes": [{"id": "a", "size": {"value": 1}}]}, "CL411"),
    "a number beyond 64 bits": ({"boxes": [{"id": "a", "size": 10**30}]}, "CL412"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_changed_schema(name: str, tmp_path: Path):
    """A reply that is not as the definition has it is an error with its address, not fewer rows or nulls."""
    body, code = CHANGED[name]
    with service(lambda asked: Say(body)) as there, driver(there.url, tmp_path, LAB) as lab:
        told = failure(lab)
        assert (told.code, told.place) == (code, f"{there.url}/boxes")


def test_null_is_no_change(tmp_path: Path):
    """Null is a value where the service says null, and so is a member that nobody said has to be there."""
    with (
        service(lambda asked: Say({"boxes": [{"id": "a", "size": None}]})) as there,
        driver(there.url, tmp_path, LAB) as lab,
    ):
        assert rows(lab.pull("boxes", Deadline.after(10))["boxes"]) == [("a", None, None)]


# -- settings ------------------------------------------------------------------------------------------

URL = {"url": "http://127.0.0.1:1"}
WRONG: dict[str, dict[str, Any]] = {
    "no address": {},
    "an address of another kind": {"url": "file:///etc/passwd"},
    "a user in the address": {"url": "http://me:secret@127.0.0.1"},
    "an unknown key": {**URL, "adress": 1},
    "an unknown kind of log-in": {**URL, "auth": {"type": "kerberos"}},
    "a log-in that lacks something": {**URL, "auth": {"type": "basic", "username": "me"}},
    "no way to log in": {"auth": {"type": "keystone", "auth_url": "http://127.0.0.1:1"}},
    "a rate of nothing": {**URL, "rate": 0},
    "a certificate that is not there": {**URL, "tls": {"ca": "/nowhere/ca.pem"}},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings(name: str):
    """Settings that cannot be meant are refused before anything is asked."""
    with pytest.raises(ValidationError):
        Settings.model_validate(WRONG[name])


def test_no_secrets_in_settings():
    """Settings can be shown: what is secret in them is masked."""
    auth = {"type": "oauth2", "token_url": "http://t", "client_id": "me", "client_secret": "hush-hush"}
    made = Settings.model_validate(
        {**URL, "auth": auth, "headers": {"X-Key": "hush-hush"}, "proxy": "http://a:hush-hush@p"}
    )
    assert "hush" not in f"{made!r} {made} {made.model_dump_json()}"
