"""The lease itself: one holder at a time, whoever is frozen, fast, or of the opinion that it still holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from congresslite.diagnostics import CongressliteError
from congresslite.store.errors import StoreError, TakenError
from congresslite.store.lease import LeaseHeldError, LeaseLostError, SharedLease
from congresslite.store.processes import Process
from congresslite.store.records import LogFilter, LogRecord
from congresslite.store.store import Store
from tests.databases import SERVER, emptied, postgresql
from tests.waiting import until

__all__ = ["postgresql"]
SECONDS = 1.0


class Silent(SharedLease):
    """A lease whose holder never renews it: as of a process that is frozen or cut off, within this one."""

    def _renew(self) -> None:
        """Nothing comes of it."""


@pytest.fixture
def database(postgresql: str) -> str:
    """The URL of an empty database."""
    return emptied(postgresql)


def lease(
    url: str, label: str, kind: type[SharedLease] = SharedLease, lost: list[LeaseLostError] | None = None
) -> SharedLease:
    """A lease that nobody has taken yet."""
    return kind(url, label, seconds=SECONDS, lost=([] if lost is None else lost).append)


@contextmanager
def opened(url: str, held: SharedLease) -> Iterator[Store]:
    """A store under a lease, given up at the end."""
    try:
        with Store.open(url, lease=held) as store:
            yield store
    finally:
        held.release()


def write(store: Store, message: str) -> None:
    """Write something."""
    store.logs.append([LogRecord(time.time(), 20, "test", message, {})])


def written(url: str) -> list[str]:
    """What was written."""
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT message FROM logs ORDER BY seq")]


def take(url: str, held: SharedLease, seconds: float = 20.0) -> Store:
    """Open a store as soon as the lease may be taken."""

    def tried() -> Store | None:
        try:
            return Store.open(url, lease=held)
        except LeaseHeldError:
            return None

    return until(tried, seconds)


def test_one_holder(database: str) -> None:
    """A lease that is renewed is not taken, however long one waits; it is held without a gap."""
    one, two = lease(database, "one"), lease(database, "two")
    with opened(database, one) as store:
        assert (one.epoch, one.held(), one.proved_dead) == (1, True, True)
        end = time.monotonic() + 3 * SECONDS
        while time.monotonic() < end:
            with pytest.raises(LeaseHeldError, match=r"CL484.*`one`"):
                Store.open(database, lease=two)
            assert one.held()
        one.check()
        write(store, "still here")
        assert not one.held(2 * SECONDS)
    assert not one.held()
    two.release()


def test_a_lease_that_was_given_up(database: str) -> None:
    """What was given up can be had at once, and its former holder does nothing more."""
    one, two = lease(database, "one"), lease(database, "two")
    with opened(database, one):
        pass
    began = time.monotonic()
    with opened(database, two):
        assert time.monotonic() - began < SECONDS
        assert (two.epoch, two.proved_dead, two.over(1), two.over(2)) == (2, True, True, False)


def test_a_holder_that_does_not_renew(database: str) -> None:
    """It stops acting before its lease ends for others, and writes nothing once it is replaced, by no connection."""
    lost: list[LeaseLostError] = []
    one, two = lease(database, "one", Silent, lost), lease(database, "two")
    first = Store.open(database, lease=one)
    write(first, "before")
    until(lambda: not one.held(), SECONDS)
    with pytest.raises(LeaseLostError, match="CL651"):
        one.check()
    second = take(database, two)
    assert (two.epoch, two.proved_dead, two.over(1)) == (2, False, False)
    # Its session was ended, and the lock is another's.
    with pytest.raises(StoreError):
        write(first, "by the session that was ended")
    with pytest.raises(CongressliteError):
        write(first, "by a new one")
    # Nor when the locks are free again: what it thinks to know is old.
    second.close()
    two.release()
    for _ in range(2):
        with pytest.raises(LeaseLostError, match="`two` leads now"):
            write(first, "by one with the lock")
    assert len(lost) == 1
    assert not one.held()
    assert written(database) == ["before"]
    first.close()
    one.release()
    with opened(database, lease(database, "three")) as third:
        write(third, "after")
    assert written(database) == ["before", "after"]


def test_what_was_not_proved_stays_so(database: str) -> None:
    """Who follows after a holder that may still live knows so, also if the one between them ended in good order."""
    one, two, three = lease(database, "one", Silent), lease(database, "two"), lease(database, "three")
    first = Store.open(database, lease=one)
    take(database, two).close()
    two.release()
    with opened(database, three):
        assert (three.epoch, three.proved_dead) == (3, True)
        assert [three.over(epoch) for epoch in (1, 2, 3)] == [False, True, False]
    first.close()
    one.release()


def test_a_holder_whose_session_is_lost(database: str) -> None:
    """A holder that nobody has replaced goes on in a new session, in the same epoch, also after its lease has ended."""
    one = lease(database, "one")
    with opened(database, one) as store:
        write(store, "a")
        with psycopg.connect(SERVER, autocommit=True) as server, shut(server, database):
            until(lambda: not one.held(), 5 * SECONDS)
            with pytest.raises(CongressliteError):
                write(store, "while it is away")
        until(one.held, 30.0)
        until(lambda: _writes(store, "b"), 30.0)
        assert one.epoch == 1
    assert written(database) == ["a", "b"]


@contextmanager
def shut(server: psycopg.Connection[object], url: str) -> Iterator[None]:
    """A database that lets nobody in, and has thrown everybody out: as while its server starts anew."""
    name = url.rpartition("/")[2]
    server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
    try:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
    finally:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def _writes(store: Store, message: str) -> bool:
    try:
        write(store, message)
    except CongressliteError:
        return False
    return True


def test_a_race(database: str) -> None:
    """Of two that see a lease become free at the same moment, exactly one gets it, each time; the epoch counts them."""
    with ThreadPoolExecutor(2) as pool:
        for round_ in range(20):
            held = [lease(database, f"{side}{round_}") for side in "ab"]
            start = threading.Barrier(2)

            def attempt(mine: SharedLease, start: threading.Barrier = start) -> Store | None:
                start.wait(10)
                try:
                    return Store.open(database, lease=mine)
                except TakenError:
                    return None

            stores = list(pool.map(attempt, held))
            winners = [(store, mine) for store, mine in zip(stores, held, strict=True) if store is not None]
            assert len(winners) == 1
            store, mine = winners[0]
            assert (mine.epoch, [each.held() for each in held].count(True)) == (round_ + 1, 1)
            write(store, mine.me.label)
            store.close()
            for each in held:
                each.release()
    assert len(written(database)) == 20


def test_a_race_for_the_place_of_one_that_is_frozen(database: str) -> None:
    """Of two that find a lease ended, exactly one gets it, though its holder's session still has the writer's lock."""
    first = lease(database, "first", Silent)
    stores, held = [Store.open(database, lease=first)], [first]
    for round_ in range(3):
        rivals = [lease(database, f"{side}{round_}", Silent) for side in "ab"]
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(_until_taken, [database] * 2, rivals, [rivals] * 2))
        assert [store is None for store in found].count(False) == 1
        stores += [store for store in found if store is not None]
        held += rivals
        assert max(each.epoch for each in rivals) == round_ + 2
        with pytest.raises(CongressliteError):
            write(stores[-2], "late")
    write(stores[-1], "good")
    assert written(database) == ["good"]
    for store in stores:
        store.close()
    for each in held:
        each.release()


def _until_taken(url: str, mine: SharedLease, rivals: list[SharedLease]) -> Store | None:
    """A store under a lease, or None if one of the others got it."""
    end = time.monotonic() + 20
    while not any(each.epoch for each in rivals):
        assert time.monotonic() < end
        try:
            return Store.open(url, lease=mine)
        except TakenError:
            time.sleep(0.01)
    return None


def test_a_transaction_that_is_open_when_another_takes_over(database: str) -> None:
    """What a frozen holder had begun to write does not become durable."""
    one, two = lease(database, "one", Silent), lease(database, "two")
    first = Store.open(database, lease=one)
    with pytest.raises(StoreError), first._database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO logs (at, level, category, message, tags) VALUES (0, 20, 't', 'half', '')"
        )
        second = take(database, two)
    assert written(database) == []
    write(second, "whole")
    assert written(database) == ["whole"]
    for store, held in ((first, one), (second, two)):
        store.close()
        held.release()


def test_a_writer_without_a_lease(database: str) -> None:
    """Who opens the database without a lease keeps everybody else out, and is told by no name."""
    with Store.open(database), pytest.raises(TakenError, match="CL484"):
        Store.open(database, lease=lease(database, "one"))


@pytest.mark.parametrize("how", ["ended", "not waited for", "alive", "frozen", "another host", "another container",
                                 "a number that was given again"])  # fmt: skip
def test_what_is_known_of_a_process(how: str) -> None:
    """A process is gone only if this very system says so; a number that somebody else has now does not deceive."""
    script = (
        "import sys\nfrom congresslite.store.processes import Process\n"
        "me = Process.current()\nprint(me.pid, me.started, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        pid, started = map(int, child.stdout.readline().split())
        process = replace(Process.current(), pid=pid, started=started)
        if how == "another host":
            process = replace(process, boot="another")
        if how == "another container":
            process = replace(process, space="pid:[1]")
        if how == "a number that was given again":
            process = replace(process, started=started - 1)
        if how == "frozen":
            os.kill(pid, signal.SIGSTOP)
        if how in ("ended", "not waited for", "another host", "another container"):
            child.kill()
            until(lambda: _zombie(pid))
            if how != "not waited for":
                child.wait()
        gone = process.gone()
        child.kill()
    assert gone == (how in ("ended", "not waited for", "a number that was given again"))


def _zombie(pid: int) -> bool:
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] == "Z"


def test_a_takeover_leaves_the_log(database: str) -> None:
    """Who takes over finds what the one before had written."""
    with opened(database, lease(database, "one")) as store:
        write(store, "by one")
    with opened(database, lease(database, "two")) as store:
        found, _ = store.logs.page(LogFilter(categories=["test"]))
        assert [each.message for each in found] == ["by one"]
