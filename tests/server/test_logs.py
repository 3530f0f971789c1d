"""The log: what of it is kept, how it is searched, and that it disturbs nobody."""

from __future__ import annotations

import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from congresslite.cli.app import cli
from congresslite.config.models import LogKeepSettings, LogSettings
from congresslite.live.logs import MOST_WAITING, LogLines
from congresslite.server.app import create_app
from congresslite.server.tracing import configure_logs
from congresslite.store.logs import Logs
from congresslite.store.records import LogFilter, LogRecord
from congresslite.store.store import Store
from tests.databases import postgresql, url
from tests.server.conftest import TOKENS, bearer, config_of, running, with_tokens
from tests.waiting import until

__all__ = ["postgresql", "url"]


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store, on each kind of database in turn."""
    with Store.open(url) as opened:
        yield opened


def line(message: str, at: float = 0.0, **more: Any) -> LogRecord:
    """A line."""
    tags = more.pop("tags", {})
    told: dict[str, Any] = {"level": logging.INFO, "category": "congresslite.action", **more}
    return LogRecord(at, message=message, tags=tags, **told)


LINES = [
    line("commanded", 1.0, tags={"object": "vm1", "policy": "nfv", "key": "ab"}),
    line("commanded", 2.0, tags={"object": "vm12", "policy": "nfv"}),
    line("Failed at 100%", 3.0, level=logging.ERROR, tags={"object": "VM1"}),
    line("pulled", 4.0, category="congresslite.source", level=logging.DEBUG, tags={"source": "nova"}),
    line("below", 5.0, category="congresslite.action.undo", level=logging.WARNING),
    line("beside", 6.0, category="congresslite.actions"),
    line("odd \0 text\nof two lines", 7.0, tags={"a:b": "c:d", "path": "x\ny", "empty": "", "under_score": "a"}),
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["odd \0 text\nof two lines", "beside", "below", "pulled", "Failed at 100%", "commanded", "commanded"]),
        ({"tags": [("object", "vm1")]}, ["commanded"]),
        ({"tags": [("object", "vm")]}, []),
        ({"tags": [("bject", "vm1")]}, []),
        ({"tags": [("object", "vm1"), ("policy", "nfv")]}, ["commanded"]),
        ({"tags": [("object", "vm1"), ("policy", "other")]}, []),
        ({"tags": [("path", "x\ny")]}, ["odd \0 text\nof two lines"]),
        ({"tags": [("empty", "")]}, ["odd \0 text\nof two lines"]),
        ({"tags": [("under%score", "a")]}, []),
        ({"categories": ["congresslite.action"], "level": logging.WARNING}, ["below", "Failed at 100%"]),
        ({"categories": ["congresslite.source", "congresslite.action.undo"]}, ["below", "pulled"]),
        ({"level": logging.ERROR}, ["Failed at 100%"]),
        ({"text": "COMM"}, ["commanded", "commanded"]),
        ({"text": "100%"}, ["Failed at 100%"]),
        ({"text": "1%0"}, []),
        ({"text": "_ext"}, []),
        ({"since": 3.0, "until": 5.0}, ["pulled", "Failed at 100%"]),
    ],
    ids=["all", "a tag", "the start of a value", "the end of a key", "two tags", "two tags, one of another line",
         "a line break", "an empty value", "no wildcards in tags", "a category and those below it, and a level",
         "two categories", "a level", "a text in another case", "a text with a wildcard", "a wildcard is none",
         "nor is another", "a time"],
)  # fmt: skip
def test_search(store: Store, wanted: dict[str, Any], expected: list[str]) -> None:
    """Lines are found by what they are, who told them and what they are about, exactly; the latest first."""
    store.logs.append(LINES)
    found, following = store.logs.page(LogFilter(**wanted))
    assert ([each.message for each in found], following) == (expected, None)


def test_pages(store: Store) -> None:
    """Page by page, every line comes once, though others come meanwhile."""
    store.logs.append([line(str(number)) for number in range(10)])
    seen: list[str] = []
    before = None
    while True:
        found, before = store.logs.page(LogFilter(), limit=3, before=before)
        seen += [each.message for each in found]
        store.logs.append([line("new")])
        if before is None:
            break
    assert seen == [str(number) for number in reversed(range(10))]


def test_bounds(store: Store) -> None:
    """Only so many lines are kept, and none for longer than it may be."""
    store.logs.append([line(str(number), float(number)) for number in range(100)])
    store.logs.prune(10, 0.0)
    assert [each.message for each in store.logs.page(LogFilter())[0]] == [str(n) for n in reversed(range(90, 100))]
    store.logs.prune(10, 95.0)
    assert [each.message for each in store.logs.page(LogFilter())[0]] == ["99", "98", "97", "96", "95"]
    store.logs.prune(10, 1000.0)
    store.logs.prune(10, 1000.0)
    assert store.logs.page(LogFilter())[0] == ()


# -- what is kept --------------------------------------------------------------------------------------


@pytest.fixture
def keeping() -> Iterator[Callable[..., LogLines]]:
    """What keeps the lines that are logged; nothing is kept any more afterwards."""
    made: list[LogLines] = []

    # What an earlier request of this thread was about is no part of these lines.
    structlog.contextvars.clear_contextvars()

    def keep(level: str = "debug", **settings: Any) -> LogLines:
        lines = LogLines(LogKeepSettings(**settings))
        configure_logs(LogSettings.model_validate({"level": level}), io.StringIO(), lines.take)
        made.append(lines)
        return lines

    yield keep
    configure_logs(LogSettings(level="warning"))
    for each in made:
        each.flush()


def test_what_is_kept_of_a_line(store: Store, keeping: Callable[..., LogLines]) -> None:
    """A line is kept with its values as tags, secrets blanked at any depth; those of libraries too."""
    lines = keeping()
    log = structlog.get_logger("congresslite.x")
    address = "https://ann:hunter2@host/x"
    log.info("hello", object="vm1", n=3, yes=True, none=None, parts=["a", "b"], **{"api_key": "hunter2"})
    log.warning(
        f"asked {address}", url=address, login={"user": "ann", "password": "hunter2", "deep": {"token": "hunter2"}}
    )
    try:
        raise ValueError("hunter2")
    except ValueError:
        log.exception("failed")
    logging.getLogger("urllib3").warning("retrying %s", "now")
    lines.attach(store.logs)
    lines.flush()
    last, failed, asked, hello = store.logs.page(LogFilter())[0]
    assert (hello.message, hello.level, hello.category) == ("hello", logging.INFO, "congresslite.x")
    assert hello.tags == {"object": "vm1", "n": "3", "yes": "true", "parts": "a, b", "api_key": "***"}
    assert asked.message == "asked https://ann:********@host/x"
    assert asked.tags["login"] == "user=ann, password=***, deep=token=***"
    assert (failed.level, failed.tags) == (logging.ERROR, {"exception": "ValueError"})
    assert (last.message, last.category) == ("retrying now", "urllib3")
    assert "hunter2" not in repr(store.logs.page(LogFilter())[0])
    assert abs(hello.at - time.time()) < 60


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["action", "requests"]),
        ({"skip": []}, ["request", "action", "requests"]),
        ({"skip": ["congresslite"]}, []),
        ({"skip": ["congresslite.action", "congresslite.request"]}, ["requests"]),
        ({"rows": 0}, []),
        ({"level": "warning"}, []),
    ],
    ids=["as it comes", "all", "a category with all below it", "two categories", "none", "not what is not told"],
)
def test_what_is_not_kept(
    store: Store, keeping: Callable[..., LogLines], settings: dict[str, Any], expected: list[str]
) -> None:
    """Categories that somebody does not want to keep are left out; by itself, only the line of each request."""
    lines = keeping(**settings)
    for category in ("request", "action", "requests"):
        structlog.get_logger(f"congresslite.{category}").info(category)
    lines.attach(store.logs)
    lines.flush()
    assert [each.message for each in reversed(store.logs.page(LogFilter())[0])] == expected


class Unsayable:
    """What cannot be told as a text."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def test_whoever_logs_neither_waits_nor_fails(store: Store) -> None:
    """A store that is away, stuck or broken holds nobody up; the latest lines wait, and what is lost is told."""

    class Stuck(Logs):
        free = threading.Event()
        broken = True

        def append(self, records: Any) -> None:
            assert self.free.wait(30)
            if self.broken:
                raise OSError("disk full")
            super().append(records)

    stuck = Stuck(store._database)
    lines = LogLines(LogKeepSettings())
    lines.attach(stuck)
    began = time.monotonic()
    for number in range(MOST_WAITING + 5000):
        lines.take({"event": str(number), "level": "info", "logger": "x"})
    lines.take({"event": "odd", "level": "info", "logger": "x", "what": Unsayable()})
    assert time.monotonic() - began < 10
    stuck.free.set()
    stuck.broken = False
    until(lambda: store.logs.page(LogFilter(text=str(MOST_WAITING + 4999)))[0])
    lines.flush()
    found, _ = store.logs.page(LogFilter(categories=["x"]), limit=20_000)
    lost = sum(int(each.tags["lines"]) for each in store.logs.page(LogFilter(categories=["congresslite.log"]))[0])
    assert len(found) + lost == MOST_WAITING + 5001
    assert MOST_WAITING <= len(found) < MOST_WAITING + 5001
    assert [each.message for each in found] == sorted((each.message for each in found), key=int, reverse=True)


def test_many_who_log_at_once(store: Store) -> None:
    """Every line of many threads is kept once, and those of each in their order."""
    lines = LogLines(LogKeepSettings())
    lines.attach(store.logs)

    def tell(name: str) -> None:
        for number in range(200):
            lines.take({"event": f"{number}", "level": "info", "logger": name})

    threads = [threading.Thread(target=tell, args=(f"t{number}",)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    lines.flush()
    for number in range(8):
        found, _ = store.logs.page(LogFilter(categories=[f"t{number}"]), limit=1000)
        assert [each.message for each in reversed(found)] == [str(n) for n in range(200)]


# -- over REST -----------------------------------------------------------------------------------------


@pytest.fixture
def client(tmp_path: Path, keeping: Callable[..., LogLines]) -> Iterator[FlaskClient]:
    """A client of a server that keeps its log and wants to know who asks."""
    config = config_of(tmp_path, auth=with_tokens())
    with running(config) as estate:
        lines = keeping(level="info")
        estate.keep_log(lines)
        log = structlog.get_logger("congresslite.action")
        for number in range(5):
            log.warning("commanded", object=f"vm{number}", key=f"{number:032x}", policy="nfv")
        client = create_app(estate, config).test_client()
        until(lambda: len(ask(client, category="congresslite.action")["items"]) == 5)
        yield client


def ask(client: FlaskClient, role: str = "operator", **query: Any) -> Any:
    """The answer to a search."""
    answer = client.get(f"/v1/logs?{urlencode(query, doseq=True)}", headers=bearer(role))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_search_over_rest(client: FlaskClient) -> None:
    """An operator finds lines by their tags, page by page."""
    (found,) = ask(client, tag=["object:vm3", "policy:nfv"])["items"]
    assert (found["message"], found["level"], found["category"]) == ("commanded", "warning", "congresslite.action")
    assert found["tags"] == {"object": "vm3", "key": f"{3:032x}", "policy": "nfv"}
    assert found["at"].endswith("Z")
    page = ask(client, category="congresslite.action", limit=3)
    rest = ask(client, category="congresslite.action", limit=3, cursor=page["next"])
    assert [each["tags"]["object"] for each in [*page["items"], *rest["items"]]] == ["vm4", "vm3", "vm2", "vm1", "vm0"]
    assert rest["next"] is None
    assert ask(client, level="error", category="congresslite.action")["items"] == []
    assert ask(client, since=found["at"], text="COMMANDED", category="congresslite.action")["items"] != []


@pytest.mark.parametrize(
    ("who", "status"),
    [({}, 401), (bearer("viewer"), 403), (bearer("author"), 403), (bearer("operator"), 200), (bearer("admin"), 200),
     ({"Authorization": "Bearer tenant-token"}, 403)],
    ids=["nobody", "viewer", "author", "operator", "admin", "a tenant's"],
)  # fmt: skip
def test_who_may_search(client: FlaskClient, who: dict[str, str], status: int) -> None:
    """The log tells of all tenants and of who did what: it is for operators, and for nobody bound to a tenant."""
    assert client.get("/v1/logs", headers=who).status_code == status


@pytest.mark.parametrize(
    "query",
    ["tag=novalue", "tag=:x", "level=loud", "limit=0", "cursor=x", "cursor=0", "since=yesterday", "other=1", "text="],
)
def test_searches_that_are_none(client: FlaskClient, query: str) -> None:
    """What cannot be meant is refused with the place."""
    answer = client.get(f"/v1/logs?{query}", headers=bearer("operator"))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "CL550")


def test_what_is_pending_is_written_at_the_end(tmp_path: Path, keeping: Callable[..., LogLines]) -> None:
    """A stop loses no line that was told before it."""
    config = config_of(tmp_path)
    lines = keeping()
    with running(config) as estate:
        estate.keep_log(lines)
        structlog.get_logger("congresslite.x").info("the last word")
    with running(config) as estate:
        assert [each.message for each in estate.logs(LogFilter(text="the last word"))[0]] == ["the last word"]


def test_search_on_the_command_line(client: FlaskClient) -> None:
    """`congresslite logs` shows lines with their tags, and says how to go on where there are more."""
    server = make_server("127.0.0.1", 0, client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    environment = {"CONGRESSLITE_SERVER": f"http://127.0.0.1:{server.server_port}"}
    environment["CONGRESSLITE_TOKEN"] = TOKENS["operator"]
    try:
        runner = CliRunner(env=environment)
        given = ["logs", "--category", "congresslite.action"]
        found = runner.invoke(cli, [*given, "--tag", "object:vm3", "--tag", "policy:nfv", "--level", "warning"])
        assert found.exit_code == 0
        assert "congresslite.action" in found.stdout
        assert f"object:vm3 key:{3:032x} policy:nfv" in found.stdout
        assert "vm2" not in found.stdout
        first = runner.invoke(cli, [*given, "--limit", "2", "-o", "json"])
        document = json.loads(first.stdout)
        assert [each["tags"]["object"] for each in document["items"]] == ["vm4", "vm3"]
        rest = runner.invoke(cli, [*given, "--cursor", document["next"], "-o", "ndjson"])
        assert [json.loads(each)["tags"]["object"] for each in rest.stdout.splitlines()] == ["vm2", "vm1", "vm0"]
        assert f"--cursor {document['next']}" in runner.invoke(cli, [*given, "--limit", "2"]).stderr
        assert runner.invoke(cli, [*given, "--tag", "novalue"]).exit_code != 0
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
