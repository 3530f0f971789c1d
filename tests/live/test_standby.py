"""Two processes of one estate: one leads, and the other takes its place, whatever became of it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.databases import SERVER, emptied, postgresql
from tests.live.nodes import LEASE, PATIENCE, Node, configuration, free_port, leading, node, waiting
from tests.waiting import until

__all__ = ["postgresql"]
# Seconds beside the lease in which a standby sees that it may lead, and loads a small estate; two cores, shared.
OPENING = 45.0


@pytest.fixture
def database(postgresql: str) -> str:
    """The URL of an empty database."""
    return emptied(postgresql)


def lease_row(url: str) -> dict[str, object]:
    """The lease as it stands."""
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        row = connection.execute("SELECT label, epoch, unproved, released FROM leases").fetchone()
        assert row is not None
        return row


def code(found: Node) -> str:
    """The health of a node, as tools of the field read it."""
    status, _, told = found.ask("GET", "/health/esc")
    assert status == 200
    return str(told["status_code"])


@pytest.mark.long
def test_what_a_standby_answers(database: str, tmp_path: Path) -> None:
    """It lives, says why it is not ready and who leads, and refers everything else to that one."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two:
        assert two.status("/health/live") == 200
        # Who leads is known a moment later than that somebody does.
        until(lambda: "`one` at" in two.ask("GET", "/health/ready")[2]["detail"])
        status, headers, told = two.ask("GET", "/health/ready")
        assert (status, headers["Content-Type"], told["code"]) == (503, "application/problem+json", "CL564")
        assert f"`one` at http://127.0.0.1:{one.port}" in told["detail"]
        for method, path in (("GET", "/v1/violations"), ("POST", "/v1/queries"), ("GET", "/"), ("GET", "/console/")):
            status, headers, told = two.ask(method, path, {} if method == "POST" else None)
            assert (status, headers["Content-Type"], headers["Retry-After"]) == (503, "application/problem+json", "5")
            assert told["code"] == "CL653"
            assert "`one` at" in told["detail"]
        assert code(two) == "2000"
        until(lambda: code(one) == "2000")
        two.send(signal.SIGKILL)
        until(lambda: code(one) == "2010")


def test_a_leader_that_is_killed(database: str, tmp_path: Path) -> None:
    """A standby on the same host sees that the leader is dead, and has everything that was acknowledged."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two:
        one.push("a", "b")
        began = time.monotonic()
        one.send(signal.SIGKILL)
        until(two.leads, LEASE + OPENING)
        assert time.monotonic() - began < LEASE + OPENING
        assert two.machines() == {"a", "b"}
        two.push("c")
        assert two.machines() == {"a", "b", "c"}
        assert lease_row(database) == {"label": "two", "epoch": 2, "unproved": 0, "released": False}


@pytest.mark.long
def test_a_leader_that_stops(database: str, tmp_path: Path) -> None:
    """A leader that stops gives its place up at once, long before its lease would have ended."""
    long = {"standby": {"enabled": True, "name": "one", "lease": 300}}
    with leading(tmp_path, "one", database, **long) as one, waiting(tmp_path, "two", database) as two:
        one.push("a")
        one.process.terminate()
        assert one.process.wait(PATIENCE) == 0
        until(two.leads, OPENING)
        assert two.machines() == {"a"}
        assert lease_row(database) == {"label": "two", "epoch": 2, "unproved": 0, "released": False}


@pytest.mark.long
def test_a_leader_that_is_frozen(database: str, tmp_path: Path) -> None:
    """A frozen leader is replaced when its lease has ended; when it goes on, it writes nothing and ends."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two:
        one.push("a")
        one.send(signal.SIGSTOP)
        began = time.monotonic()
        until(two.leads, LEASE + OPENING)
        assert time.monotonic() - began > LEASE * 0.6
        two.push("b")
        assert lease_row(database) == {"label": "two", "epoch": 2, "unproved": 1, "released": False}
        before = fingerprint(database)
        one.send(signal.SIGCONT)
        assert one.process.wait(PATIENCE) == 1
        assert "error[CL651]: the lease is lost: `two` leads now" in one.log
        assert "Traceback" not in one.log
        assert fingerprint(database) == before
        assert two.machines() == {"a", "b"}


def fingerprint(url: str) -> list[object]:
    """What the estate's tables hold, those aside that the leader itself goes on writing."""
    with psycopg.connect(url) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("pushed_changes", "violations", "batches", "policy_versions", "audit")
        ]


@pytest.mark.long
def test_a_frozen_leader_that_is_asked_to_write(database: str, tmp_path: Path) -> None:
    """What was sent to a frozen leader is refused when it goes on, though all locks are free by then."""
    with leading(tmp_path, "one", database) as one:
        with waiting(tmp_path, "two", database) as two:
            one.send(signal.SIGSTOP)
            until(two.leads, LEASE + OPENING)
        before = fingerprint(database)
        with psycopg.connect(database) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [int.from_bytes(b"congress", "big")])
        sent = send_unanswered(one)
        one.send(signal.SIGCONT)
        assert one.process.wait(PATIENCE) == 1
        sent.close()
        assert fingerprint(database) == before


def send_unanswered(found: Node) -> socket.socket:
    """Send rows without waiting for an answer."""
    connection = socket.create_connection(("127.0.0.1", found.port), timeout=5)
    body = json.dumps({"upsert": [{"id": "late", "host": "h2", "vcpus": 1, "tenant": "t1"}]}).encode()
    head = (
        "POST /v1/sources/inv/tables/vm/rows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


@pytest.mark.long
def test_a_leader_that_becomes_a_standby(database: str, tmp_path: Path) -> None:
    """Where it is told so, a leader that was replaced stands by, as the same process, and may lead again."""
    again = {"enabled": True, "name": "one", "lease": LEASE, "after_loss": "standby"}
    with leading(tmp_path, "one", database, standby=again) as one, waiting(tmp_path, "two", database) as two:
        one.push("a")
        one.send(signal.SIGSTOP)
        until(two.leads, LEASE + OPENING)
        two.push("b")
        one.send(signal.SIGCONT)
        until(one.waits, OPENING)
        two.send(signal.SIGKILL)
        until(one.leads, LEASE + OPENING)
        assert one.machines() == {"a", "b"}
        assert lease_row(database)["epoch"] == 3
        assert one.process.poll() is None


@pytest.mark.long
def test_a_database_that_is_away(database: str, tmp_path: Path) -> None:
    """A leader outlives a database that is away for longer than its lease."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two:
        one.push("a")
        name = database.rpartition("/")[2]
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            try:
                server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                until(lambda: code(one) == "5010", LEASE + OPENING)
                until(lambda: code(two) == "5010", LEASE + OPENING)
            finally:
                server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        until(lambda: code(one) == "2000", LEASE + OPENING)
        # The session that was ended is replaced after the first who misses it.
        until(lambda: pushed(one, "b"), OPENING)
        assert one.machines() == {"a", "b"}
        assert two.waits()
        assert lease_row(database) == {"label": "one", "epoch": 1, "unproved": 0, "released": False}


def pushed(found: Node, name: str) -> bool:
    """Whether a machine could be added."""
    rows = [{"id": name, "host": "h2", "vcpus": 1, "tenant": "t1"}]
    return found.ask("POST", "/v1/sources/inv/tables/vm/rows", {"upsert": rows})[0] == 200


@pytest.mark.long
def test_rows_that_were_replaced(database: str, tmp_path: Path) -> None:
    """A standby with a disk of its own has the rows that were put in place of all others, though a file has those."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two:
        rows = [{"id": f"v{number}", "host": "h2", "vcpus": 1, "tenant": "t1"} for number in range(50)]
        assert one.ask("PUT", "/v1/sources/inv/tables/vm/rows", rows)[0] == 200
        one.push("more")
        one.send(signal.SIGKILL)
        until(two.leads, LEASE + OPENING)
        assert two.machines() == {"more", *(f"v{number}" for number in range(50))}


@pytest.mark.long
def test_a_standby_that_cannot_lead(database: str, tmp_path: Path) -> None:
    """A standby whose turn it is and whose policies are wrong ends, says why, and leaves the place to the next one."""
    with leading(tmp_path, "one", database) as one:
        (tmp_path / "wrong.dl").write_text("policy wrong. error(x) :- .", encoding="utf-8")
        wrong = [str(tmp_path / "wrong.dl")]
        with waiting(tmp_path, "two", database, policies=wrong) as two:
            one.process.terminate()
            assert two.process.wait(PATIENCE) == 2
            assert "error[CL0" in two.log
            assert "Traceback" not in two.log
        with leading(tmp_path, "three", database):
            assert lease_row(database)["label"] == "three"


@pytest.mark.long
def test_many_take_turns(database: str, tmp_path: Path) -> None:
    """Of two that stand by, one takes the place of a leader that is killed, and the other one stands by for it."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two, waiting(
        tmp_path, "three", database
    ) as three:  # fmt: skip
        one.push("a")
        one.send(signal.SIGKILL)
        leader = until(lambda: next((each for each in (two, three) if each.leads()), None), LEASE + OPENING)
        other = three if leader is two else two
        until(lambda: f"`{leader.name}`" in other.ask("GET", "/health/ready")[2]["detail"], OPENING)
        assert other.waits()
        leader.send(signal.SIGKILL)
        until(other.leads, LEASE + OPENING)
        assert other.machines() == {"a"}
        assert lease_row(database)["epoch"] == 3


@pytest.mark.long
def test_what_is_told_of_it(database: str, tmp_path: Path) -> None:
    """The log tells who stood by for whom and took over when; what was told before there was a store is there too."""
    with leading(tmp_path, "one", database) as one, waiting(tmp_path, "two", database) as two:
        one.send(signal.SIGKILL)
        until(two.leads, LEASE + OPENING)

        def lines() -> list[tuple[str, dict[str, str]]]:
            items = two.ask("GET", "/v1/logs?category=congresslite.standby&category=congresslite.server")[2]["items"]
            return [(each["message"], each["tags"]) for each in items]

        until(lambda: any(message == "took over" for message, _ in lines()))
        assert next(tags for message, tags in lines() if message == "standing by")["leader"] == "one"
        taken = next(tags for message, tags in lines() if message == "took over")
        assert (taken["name"], taken["epoch"], taken["former"]) == ("two", "2", "has ended")


# -- without a standby ---------------------------------------------------------------------------------


@pytest.mark.long
def test_a_second_server(database: str, tmp_path: Path) -> None:
    """A server that is not to stand by ends while another one leads, and says which; after a kill it starts at once."""
    plain = {"standby": {"enabled": False, "name": "one", "lease": LEASE}}
    with leading(tmp_path, "one", database, **plain) as one:
        with node(tmp_path, "two", database, standby={"enabled": False}) as two:
            assert two.process.wait(PATIENCE) == 2
            assert "error[CL484]: another process writes to this database: `one`" in two.log
            assert "Traceback" not in two.log
        one.push("a")
        one.send(signal.SIGKILL)
        with leading(tmp_path, "one", database, **plain) as again:
            assert again.machines() == {"a"}


def test_a_standby_of_sqlite(tmp_path: Path) -> None:
    """SQLite is for one process: a configuration that asks for a standby is refused with the reason."""
    path = configuration(tmp_path, "one", f"sqlite:///{tmp_path}/store.sqlite", free_port())
    done = subprocess.run(
        [sys.executable, "-m", "congresslite", "serve", "--config", str(path)],
        capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 2
    assert "standby.enabled: error[CL650]: nobody can stand by" in done.stderr
    assert "postgresql://" in done.stderr
