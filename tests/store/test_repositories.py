"""What is kept beside violations: it is read back as it was written, also by the next process."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from congresslite.diagnostics import CongressliteError
from congresslite.store.errors import VersionError
from congresslite.store.records import FeedRecord, WaiverRecord
from congresslite.store.secrets import load_or_create_key
from congresslite.store.store import Store

HOSTILE = "nul \0, half \ud800, \uffff, ü 'quoted' \"twice\" %s ?"


def test_policies(store: Store) -> None:
    """Each change of a policy is a version; removing it is one, and it may come back."""
    policies = store.policies
    first = policies.add("nfv", HOSTILE, at=1.0, by="anna", origin="api", expected=0)
    assert (first.version, first.text, first.etag) == (1, HOSTILE, "nfv-1")
    assert policies.add("nfv", HOSTILE, at=2.0, by="bert", origin="api") == first
    second = policies.add("nfv", "error(x) :- p(x).", at=3.0, by="bert", origin="api", expected=1)
    assert policies.current() == (second,)
    gone = policies.add("nfv", None, at=4.0, by="bert", origin="api", expected=2)
    assert policies.current() == ()
    again = policies.add("nfv", "", at=5.0, by="file", origin="file", path="rules/nfv.dl", expected=0)
    assert policies.versions("nfv") == (again, gone, second, first)
    assert policies.current() == (again,)
    assert policies.versions("other") == ()
    assert policies.times() == {"nfv": (1.0, 3.0, 4.0, 5.0)}


@pytest.mark.parametrize(("expected", "current"), [(0, 2), (1, 2), (3, 2)], ids=["none", "an older one", "a newer one"])
def test_a_policy_of_another_version_is_not_changed(store: Store, expected: int, current: int) -> None:
    """Whoever changes a policy that somebody else changed meanwhile is told its version."""
    for number in range(2):
        store.policies.add("nfv", f"% {number}", at=1.0, by="anna", origin="api")
    with pytest.raises(VersionError, match="version 2") as caught:
        store.policies.add("nfv", "% mine", at=2.0, by="bert", origin="api", expected=expected)
    assert caught.value.current == current
    assert len(store.policies.versions("nfv")) == 2


def test_sources(url: str) -> None:
    """Settings of sources are read back with the key; a removed source does not begin at version 1 again."""
    key = Fernet.generate_key()
    settings = {"driver": "rest", "password": HOSTILE, "nested": {"list": [1, 2.5, None, True]}}
    with Store.open(url, key=key) as store:
        assert store.sources.put("b", settings, at=1.0, by="anna", expected=0).version == 1
        store.sources.put("a", {"driver": "push"}, at=1.0, by="anna")
        assert store.sources.put("b", settings, at=2.0, by="bert", expected=1).version == 2
        with pytest.raises(VersionError):
            store.sources.put("b", settings, at=2.0, by="bert", expected=1)
        store.sources.remove("a", at=3.0, by="bert", expected=1)
        with pytest.raises(KeyError):
            store.sources.remove("a", at=3.0, by="bert")
    with Store.open(url, key=key) as store:
        (found,) = store.sources.all()
        assert (found.name, found.settings, found.version, found.created_by) == ("b", settings, 2, "bert")
        assert "password" not in repr(found)
        assert store.sources.put("a", {}, at=4.0, by="anna", expected=0).version == 3


def test_what_came_of_a_source_goes_with_its_settings(url: str) -> None:
    """What was pulled of a source or pushed to it goes in the moment in which the source is replaced or removed."""
    with Store.open(url, key=Fernet.generate_key()) as store:
        for change in (
            lambda: store.sources.put("a", {}, at=1.0, by="anna"),
            lambda: store.sources.remove("a", at=2.0, by="b"),
        ):
            for name in ("a", "b"):
                store.feeds.put([FeedRecord(name, "f", 1.0, 1.0, None)])
                store.pushed.rebase(name, "t", "t-1.arrow")
                store.pushed.append(name, "t", [("k", "1")])
            change()
            assert [each.source for each in store.feeds.all()] == ["b"]
            assert store.pushed.tables("a") == ()
            assert store.pushed.load("b", "t") == ("t-1.arrow", [("k", "1")])


def test_secrets_are_not_in_the_database(tmp_path: Path) -> None:
    """Whoever has the files of the database finds no secret in them, not even one that was replaced."""
    path = tmp_path / "store.sqlite"
    with Store.open(f"sqlite:///{path}", key=Fernet.generate_key()) as store:
        store.sources.put("nova", {"password": "correct horse"}, at=1.0, by="anna")
        store.sources.put("nova", {"password": "battery staple"}, at=2.0, by="anna")
        found = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert b"nova" in found
        for secret in (b"correct", b"horse", b"battery", b"password"):
            assert secret not in found


def test_keys_that_do_not_fit(url: str) -> None:
    """Without the key, nothing is stored or read that may hold secrets; both are findings."""
    with Store.open(url) as store, pytest.raises(CongressliteError, match="CL487"):
        store.sources.put("nova", {}, at=1.0, by="anna")
    with Store.open(url, key=Fernet.generate_key()) as store:
        store.sources.put("nova", {"password": "x"}, at=1.0, by="anna")
    with Store.open(url, key=Fernet.generate_key()) as store, pytest.raises(CongressliteError, match="CL486"):
        store.sources.all()
    with Store.open(url) as store, pytest.raises(CongressliteError, match="CL487"):
        store.sources.all()
    with pytest.raises(CongressliteError, match="CL485"):
        Store.open(url, key=b"short")


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    """The key is made for its owner's eyes only, and is the same for all who ask at once."""
    path = tmp_path / "state" / "secret.key"
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(load_or_create_key(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"]


@pytest.mark.parametrize("text", ["", "short\n", "x" * 44], ids=["empty", "short", "no Base64"])
def test_a_damaged_key_file(tmp_path: Path, text: str) -> None:
    """A key file that holds no key is a finding that names it, and is left alone."""
    path = tmp_path / "secret.key"
    path.write_text(text, encoding="ascii")
    with pytest.raises(CongressliteError, match="CL485") as caught:
        load_or_create_key(path)
    assert str(path) in str(caught.value)
    assert path.read_text(encoding="ascii") == text


def test_a_key_file_that_cannot_be_made(tmp_path: Path) -> None:
    """A key file where none can be is a finding."""
    (tmp_path / "file").touch()
    with pytest.raises(CongressliteError, match="CL485"):
        load_or_create_key(tmp_path / "file" / "secret.key")


def test_feeds(store: Store) -> None:
    """How the last pull of a feed went is kept, once for each feed."""
    fault = ({"code": "CL470", "message": HOSTILE, "place": "nova", "hint": None},)
    store.feeds.put([FeedRecord("nova", "servers", 1.0, 1.0, None), FeedRecord("b", "x", None, None, None)])
    changed = FeedRecord("nova", "servers", 1.0, 2.0, 2.0, fault)
    store.feeds.put([changed])
    assert store.feeds.all() == (FeedRecord("b", "x", None, None, None), changed)
    store.feeds.put([])
    assert len(store.feeds.all()) == 2


def test_waivers(store: Store) -> None:
    """Waivers are kept as they were granted, whether they mean anything or not."""
    first = WaiverRecord("a", HOSTILE, "why", "T-1", "whenever", violation="0" * 32, created_at=2.0, created_by="anna")
    second = WaiverRecord("b", "o", "r", "", "", policy="nfv", rule="R1", object="vm1", created_at=1.0)
    store.waivers.add(first)
    store.waivers.add(second)
    assert store.waivers.all() == (second, first)
    store.waivers.remove("a")
    with pytest.raises(KeyError):
        store.waivers.remove("a")
    assert store.waivers.all() == (second,)


def test_audit(store: Store) -> None:
    """The audit is read from its end, page by page."""
    for number in range(5):
        store.audit.append(
            at=float(number), actor=HOSTILE, role="admin", action="put", target="policy", outcome="done",
            detail={"number": number}, address="::1", request="r",
        )  # fmt: skip
    first, before = store.audit.page(3)
    assert [each.detail for each in first] == [{"number": 4}, {"number": 3}, {"number": 2}]
    assert first[0].actor == HOSTILE
    rest, end = store.audit.page(3, before)
    assert [each.detail["number"] for each in rest] == [1, 0]
    assert end is None
    assert store.audit.page(0) == ((), None)


def test_pushed_rows(store: Store) -> None:
    """Of each key the last change counts, until a new base holds them all."""
    pushed = store.pushed
    long = "k" * 10_000
    pushed.append("alerts", "alert", [("a", "1"), ("b", "2"), ("a", "3"), (long, HOSTILE)])
    pushed.append("alerts", "alert", [("b", None)])
    pushed.append("alerts", "labels", [])
    base, changes = pushed.load("alerts", "alert")
    assert (base, dict(changes)) == (None, {"a": "3", "b": None, long: HOSTILE})
    assert len(changes) == 3
    pushed.rebase("alerts", "alert", "alert-7.arrow")
    assert pushed.load("alerts", "alert") == ("alert-7.arrow", [])
    pushed.append("alerts", "alert", [("c", "4")])
    pushed.append("alerts", "labels", [("x", "5")])
    pushed.append("other", "alert", [("y", "6")])
    assert pushed.load("alerts", "alert") == ("alert-7.arrow", [("c", "4")])
    assert pushed.tables("alerts") == ("alert", "labels")
    pushed.rebase("alerts", "alert", None)
    assert pushed.load("alerts", "alert") == (None, [])
    assert pushed.load("other", "alert") == (None, [("y", "6")])


def test_many_threads(store: Store) -> None:
    """Threads that write and read at once lose nothing, and see whole changes only."""
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                store.pushed.append("s", f"t{number}", [("a", str(step)), ("b", str(step))])
                rows = dict(store.pushed.load("s", f"t{number}")[1])
                assert rows == {"a": str(step), "b": str(step)}
                store.audit.append(at=0.0, actor="a", role="r", action="x", target=f"{number}", outcome="done")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.audit.page(1000)[0]) == 80


def test_readers_do_not_wait_for_the_writer(store: Store) -> None:
    """While a transaction is written, others read what was there before it."""
    store.pushed.append("s", "t", [("a", "1")])
    with store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM pushed_changes")
        seen: list[object] = []
        thread = threading.Thread(target=lambda: seen.append(store.pushed.load("s", "t")))
        thread.start()
        thread.join(10)
        assert seen == [(None, [("a", "1")])]


def test_acknowledged_writes_survive_a_loss_of_power(tmp_path: Path) -> None:
    """SQLite is told to write through to the disk, in a log that readers need not wait for."""
    with Store.open(f"sqlite:///{tmp_path}/store.sqlite") as store, store._database.write() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
