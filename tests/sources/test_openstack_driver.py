"""The driver `openstack` before it has met a cloud: its settings, and what is told of clouds.yaml."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources.definitions import load_definition, shipped_definition
from congresslite.sources.driver import Deadline
from congresslite.sources.drivers.openstack import Settings, open_driver

AUTH = "{auth_url: 'http://127.0.0.1:9/v3', username: u, password: hush-hush, project_name: p}"
GOOD = f"clouds: {{lab: {{auth: {AUTH}, region_name: R}}}}\n"

# The file, further settings, what is told.
FILES: dict[str, tuple[str, dict[str, Any], str]] = {
    "another cloud": (GOOD.replace("lab:", "labs:"), {}, "there is no cloud `lab`"),
    "nothing": ("", {}, "there is no cloud `lab`"),
    "a list": ("- lab\n", {}, "there is no cloud `lab`"),
    "a list of clouds": ("clouds: [lab]\n", {}, "there is no cloud `lab`"),
    "no YAML": ("clouds: {lab: {\n", {}, "this is no YAML"),
    "no UTF-8": ("\udcff\udcfe", {}, "this is no YAML"),
    "a cloud that is nothing": ("clouds: {lab: }\n", {}, "cloud `lab` cannot be used"),
    "a cloud that is a text": ("clouds: {lab: hush-hush}\n", {}, "cloud `lab` cannot be used"),
    "no log-in": ("clouds: {lab: {region_name: R}}\n", {}, "cloud `lab` cannot be used"),
    "a log-in that is a text": ("clouds: {lab: {auth: hush-hush}}\n", {}, "cloud `lab` cannot be used"),
    "an unknown way to log in": (GOOD.replace("auth:", "auth_type: magic, auth:"), {}, "magic"),
    "another region": (GOOD, {"region": "S"}, "S is not a valid region name"),
}


def finding(clouds: Path, **more: Any) -> Diagnostic:
    """What is told when something is asked for."""
    driver = open_driver("nova", Settings(cloud="lab", clouds=clouds, **more), shipped_definition("nova"))
    try:
        with pytest.raises(SourceError) as caught:
            driver.pull("flavors", Deadline.after(10))
    finally:
        driver.close()
    (told,) = caught.value.diagnostics
    return told


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_does_not_do_is_told(tmp_path: Path, case: str) -> None:
    """Whatever is wrong with clouds.yaml is a finding with the file's name and a mend, and without its secrets."""
    text, more, message = FILES[case]
    clouds = tmp_path / "clouds.yaml"
    clouds.write_bytes(text.encode(errors="surrogateescape"))
    told = finding(clouds, **more)
    assert (told.code, message in told.message) == ("CL530", True), told
    assert told.hint is not None
    assert (told.place or "").startswith(str(clouds))
    assert "hush" not in str(told)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing clouds.yaml is a finding that names it."""
    told = finding(tmp_path / "clouds.yaml")
    assert (told.code, told.place) == ("CL530", str(tmp_path / "clouds.yaml"))


def test_a_file_is_looked_for_where_the_tools_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path, the usual places are looked at; if the file is in none of them, that is told."""
    monkeypatch.setattr("congresslite.sources.openstack.cloud.CONFIG_FILES", [str(tmp_path / "clouds.yaml")])
    driver = open_driver("nova", Settings(cloud="lab"), shipped_definition("nova"))
    with pytest.raises(SourceError, match="there is none where OpenStack's tools look for it"):
        driver.pull("flavors", Deadline.after(10))
    (tmp_path / "clouds.yaml").write_text("clouds: {other: {}}\n", encoding="utf-8")
    with pytest.raises(SourceError, match="there is no cloud `lab`"):
        driver.pull("flavors", Deadline.after(10))


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of OpenStack's tools make no cloud: what a source is does not depend on who starts the server."""
    monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:9/v3")
    monkeypatch.setenv("OS_CLOUD", "lab")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "other.yaml"))
    (tmp_path / "other.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "clouds.yaml").write_text("clouds: {}\n", encoding="utf-8")
    assert finding(tmp_path / "clouds.yaml").code == "CL530"


def test_an_identity_service_that_is_down_is_told(tmp_path: Path) -> None:
    """A Keystone that refuses connections is a finding with its address, and the password stands nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(GOOD.replace(":9/", f":{port}/"), encoding="utf-8")
    told = finding(clouds)
    expected = f"OpenStack Identity at `http://127.0.0.1:{port}/v3` cannot be asked: the connection was refused"
    assert (told.code, told.message) == ("CL534", expected)
    assert "hush" not in str(told)


def test_an_identity_service_that_hangs_is_left(tmp_path: Path) -> None:
    """A Keystone that accepts a connection and says nothing does not hold a pull beyond its deadline."""
    clouds = tmp_path / "clouds.yaml"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        clouds.write_text(GOOD.replace(":9/", f":{silent.getsockname()[1]}/"), encoding="utf-8")
        driver = open_driver("nova", Settings(cloud="lab", clouds=clouds), shipped_definition("nova"))
        with pytest.raises(SourceError) as caught:
            driver.pull("flavors", Deadline.after(0.5))
        driver.close()
    assert {each.code for each in caught.value.diagnostics} <= {"CL474", "CL534"}


GOOD_TOKEN = {"roles": [{"name": "admin"}], "user": {}, "catalog": [], "expires_at": "2099-01-01T00:00:00Z"}
# Status, headers, body, code, what is told.
ANSWERS: dict[str, tuple[int, dict[str, str], bytes, str, str]] = {
    "an empty object": (201, {}, b"{}", "CL534", "is no token"),
    "a list": (201, {}, b"[]", "CL534", "is no token"),
    "a page": (200, {}, b"<html>", "CL534", "is no token"),
    "no UTF-8": (201, {}, b"\xff\xfe", "CL534", "is no token"),
    "an empty token": (201, {}, b'{"token": {}}', "CL534", "is no token"),
    "a token that is a text": (201, {}, b'{"token": "x"}', "CL534", "is no token"),
    "a date that is none": (
        201,
        {},
        json.dumps({"token": {**GOOD_TOKEN, "expires_at": "soon"}}).encode(),
        "CL534",
        "is",
    ),
    "a catalogue that is a number": (
        201,
        {},
        json.dumps({"token": {**GOOD_TOKEN, "catalog": 7}}).encode(),
        "CL534",
        "is",
    ),
    "no catalogue": (201, {}, json.dumps({"token": GOOD_TOKEN}).encode(), "CL532", "no service of type `compute`"),
    "an error of its own": (500, {}, b"oops", "CL534", "it answered with status 500"),
    "too many": (429, {"Retry-After": "1"}, b"{}", "CL534", "it answered with status 429"),
    "refused": (401, {}, b'{"error": {"message": "no"}}', "CL531", "the log-in was refused"),
    "somewhere else": (307, {"Location": "http://127.0.0.1:9/v3/auth/tokens"}, b"", "CL534", "is no token"),
    "a bomb": (201, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 20_000_000), "CL473", "bigger than"),
}


class Pretender(BaseHTTPRequestHandler):
    """Answers each log-in as it is told."""

    answer: ClassVar[tuple[int, dict[str, str], bytes]]

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, body = self.answer
        self.send_response(status)
        told = {"Content-Type": "application/json", "X-Subject-Token": "t", "Content-Length": str(len(body)), **headers}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.mark.parametrize("case", ANSWERS)
def test_whatever_identity_answers_is_told(tmp_path: Path, case: str) -> None:
    """An answer to the log-in that is no token is a finding, whatever it is, and the password goes nowhere else."""
    status, headers, body, code, message = ANSWERS[case]
    Pretender.answer = (status, headers, body)
    clouds = tmp_path / "clouds.yaml"
    with ThreadingHTTPServer(("127.0.0.1", 0), Pretender) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        clouds.write_text(GOOD.replace(":9/", f":{server.server_port}/"), encoding="utf-8")
        told = finding(clouds)
        server.shutdown()
    assert (told.code, message in told.message) == (code, True), told
    assert "hush" not in str(told)


def test_a_log_in_without_a_password_is_told(tmp_path: Path) -> None:
    """A cloud whose entry lacks the password is a finding that says so, and names the file to mend."""
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(re.sub(r"password: [^,}]+,? ?", "", GOOD), encoding="utf-8")
    told = finding(clouds)
    assert (told.code, told.message) == ("CL531", "there can be no log-in: `password is a required attribute`")
    assert "clouds.yaml" in (told.hint or "")


def test_a_definition_of_no_service_is_told(tmp_path: Path) -> None:
    """A definition that names no service of OpenStack cannot be read by this driver."""
    path = tmp_path / "own.yaml"
    path.write_text("source: own\ntables: {t: {key: [id], columns: {id: str}}}\n", encoding="utf-8")
    for definition in (None, load_definition(path)):
        with pytest.raises(SourceError, match="needs a definition with the type of a service") as caught:
            open_driver("own", Settings(cloud="lab"), definition)
        assert caught.value.diagnostics[0].code == "CL532"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "cloud"),
        ({"cloud": "lab", "colud": "lab"}, "colud"),
        ({"cloud": "lab", "interface": "outside"}, "interface"),
        ({"cloud": "lab", "notifications": {"url": "http://u:hush-hush@mq"}}, "should be an address"),
        ({"cloud": "lab", "notifications": {"url": ["amqp://mq", "amqp:hush-hush"]}}, "should be an address"),
    ],
    ids=["no cloud", "an unknown key", "an unknown interface", "another protocol", "no address"],
)
def test_settings_that_do_not_do_are_told(settings: dict[str, Any], told: str) -> None:
    """What is wrong with settings is told, and the password within stands nowhere in it."""
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(settings)
    assert told in str(caught.value)
    assert "hush" not in str(caught.value)


def test_secrets_are_shown_nowhere() -> None:
    """The password of the broker is in no picture of the settings."""
    settings = Settings.model_validate(
        {"cloud": "lab", "notifications": {"url": "amqp://u:hush-hush@mq/"}, "proxy": "http://u:hush-hush@proxy"}
    )
    driver = open_driver("nova", settings, shipped_definition("nova"))
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {vars(driver)}"
    assert "hush" not in shown


def test_a_source_of_another_name_has_its_tables_under_it() -> None:
    """The same service of two clouds is two sources, each with tables of its own name."""
    driver = open_driver("paris", Settings(cloud="lab"), shipped_definition("nova"))
    assert driver.schemas["servers"].name == "paris:servers"
    assert driver.owners["servers"] == "tenant_id"
    assert {feed.name: feed.tables for feed in driver.feeds}["aggregates"] == (
        "aggregates",
        "aggregates.hosts",
        "aggregates.metadata",
    )


def test_without_a_broker_nothing_is_watched() -> None:
    """A source that was given no broker, or whose service tells nothing, does not watch."""
    url = {"url": "amqp://127.0.0.1:9/"}
    silent = Settings.model_validate({"cloud": "lab", "notifications": url})
    for name, settings in (("nova", Settings(cloud="lab")), ("vnfm", silent)):
        driver = open_driver(name, settings, shipped_definition(name))
        assert driver.watch(lambda feed, keys=None: None) is None
