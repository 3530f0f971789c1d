"""Sources whose settings change while the estate runs: what they hold stays, unless their tables are others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from congresslite.config.models import Config
from congresslite.diagnostics import CongressliteError, Diagnostic, PolicyError
from congresslite.live import LiveEstate
from congresslite.store.errors import AwayError
from congresslite.store.records import ViolationFilter
from tests.live.estates import ADMIN, opened
from tests.waiting import until

Open = Callable[[], LiveEstate]
ROWS = [{"id": "r1", "power": 5}, {"id": "r2", "power": 12}]
POLICY = "error(r) :- s:rack(id=r, power=p), p > 9."


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Open]:
    """An estate without anything; the one before is stopped."""
    config, estates = Config.model_validate({"state": tmp_path / "state"}), list[LiveEstate]()

    def make() -> LiveEstate:
        for each in estates:
            each.stop()
        estates[:] = [opened(config)]
        return estates[0]

    yield make
    for estate in estates:
        estate.stop()


def pushed(folder: Path, key: str = "[id]", columns: str = "{id: str, power: int}") -> dict[str, Any]:
    """The settings of a pushed source with one table."""
    definition = folder / "s.yaml"
    definition.write_text(f"source: s\ntables:\n  rack: {{key: {key}, columns: {columns}}}\n", encoding="utf-8")
    return {"driver": "push", "definition": str(definition)}


def filed(folder: Path, **more: Any) -> dict[str, Any]:
    """The settings of a source that is files, with one table; `rack.csv` is written if it is not there."""
    inventory = folder / "s"
    inventory.mkdir(exist_ok=True)
    (inventory / "_schema.yaml").write_text("rack: {key: [id], columns: {id: str, power: int}}", encoding="utf-8")
    if not (inventory / "rack.csv").exists():
        (inventory / "rack.csv").write_text("id,power\nr1,5\nr2,12\n", encoding="utf-8")
    return {"driver": "files", "folder": str(inventory), "settle": 0, "every": 0.2, "deadline": 20, **more}


def replace(folder: Path, rows: str) -> None:
    """Write the file anew, whole."""
    (folder / "draft").write_text(rows, encoding="utf-8")
    (folder / "draft").replace(folder / "s/rack.csv")


def put(estate: LiveEstate, settings: Mapping[str, Any]) -> None:
    """Add the source, or replace its settings."""
    known = any(each.name == "s" for each in estate.sources())
    estate.put_source(ADMIN, "s", settings, estate.source_settings("s")[1] if known else None)


def found(estate: LiveEstate) -> dict[tuple[Any, ...], float]:
    """The rows of open violations, and since when they are open."""
    return {each.row: each.first_seen for each in estate.violations(ADMIN, ViolationFilter()).items}


def test_pushed_rows_outlast_other_settings(open_: Open, tmp_path: Path) -> None:
    """What was acknowledged is there under other settings, after a restart too, and its violations last."""
    estate = open_()
    put(estate, pushed(tmp_path))
    estate.put_rows(ADMIN, "s", "rack", ROWS[:1])
    estate.push_rows(ADMIN, "s", "rack", ROWS[1:])
    estate.put_policy(ADMIN, "p", POLICY, None)
    before = found(estate)
    assert set(before) == {("r2",)}
    put(estate, {**pushed(tmp_path), "max_rows": 3})
    assert found(estate) == before
    estate.push_rows(ADMIN, "s", "rack", [{"id": "r3", "power": 1}])
    for each in (estate, open_()):
        assert {row[0] for row in each.rows(ADMIN, "s:rack").rows} == {"r1", "r2", "r3"}
        assert found(each) == before
        with pytest.raises(CongressliteError):
            each.push_rows(ADMIN, "s", "rack", [{"id": str(at)} for at in range(4)])


def test_a_source_that_policies_read_takes_other_settings(open_: Open, tmp_path: Path) -> None:
    """A setting may change under policies: rows, their age and violations stay, and pulling goes on by the new ones."""
    estate = open_()
    put(estate, filed(tmp_path))
    estate.put_policy(ADMIN, "p", POLICY, None)
    until(lambda: set(found(estate)) == {("r2",)})
    before, events = found(estate), estate.watch(ADMIN)
    put(estate, filed(tmp_path, every=0.3, hold_back=3))
    assert found(estate) == before
    assert estate.source_settings("s")[0]["hold_back"] == 3
    (feed,) = estate.sources()[0].feeds
    assert feed.last_success is not None
    replace(tmp_path, "id,power\nr1,10\nr2,12\n")
    until(lambda: set(found(estate)) == {("r1",), ("r2",)})
    told = next(event for event in events if event is not None)
    assert '"r1"' in told.data
    assert '"r2"' not in told.data
    events.close()
    assert found(open_()).keys() == {("r1",), ("r2",)}


def test_what_was_not_current_is_not_current_under_other_settings(open_: Open, tmp_path: Path) -> None:
    """Other settings make no stale table fresh: that is for the first pull by them to say."""
    estate = open_()
    put(estate, filed(tmp_path))
    estate.put_policy(ADMIN, "p", POLICY, None)
    until(lambda: set(found(estate)) == {("r2",)})
    replace(tmp_path, "id,power\nr1\n")
    until(lambda: [each.health for each in estate.undetermined()] == ["stale"])
    since = estate.undetermined()[0].since
    put(estate, filed(tmp_path, every=0.3))
    assert [(each.health, each.since) for each in estate.undetermined()] == [("stale", since)]
    assert set(found(estate)) == {("r2",)}
    replace(tmp_path, "id,power\nr1,10\n")
    until(lambda: set(found(estate)) == {("r1",)})
    assert estate.undetermined() == ()


def test_settings_that_cannot_be_stored_change_nothing(
    open_: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the state goes away while settings go in, the source goes on as it was."""
    estate = open_()
    put(estate, pushed(tmp_path))
    estate.put_rows(ADMIN, "s", "rack", ROWS)
    estate.put_policy(ADMIN, "p", POLICY, None)
    before = found(estate), estate.source_settings("s")

    def fails(*_: object, **__: object) -> None:
        raise AwayError(Diagnostic("CL488", "the database failed"))

    with monkeypatch.context() as broken:
        broken.setattr(type(estate._store.sources), "put", fails)
        with pytest.raises(AwayError):
            put(estate, {**pushed(tmp_path), "max_rows": 3})
    assert (found(estate), estate.source_settings("s")) == before
    estate.push_rows(ADMIN, "s", "rack", [{"id": "r1", "power": 10}])
    assert found(open_()).keys() == {("r1",), ("r2",)}


def test_tables_that_policies_read_stay(open_: Open, tmp_path: Path) -> None:
    """A table that a policy reads can neither go nor become another one; the finding names the policy."""
    estate = open_()
    put(estate, filed(tmp_path))
    estate.put_policy(ADMIN, "p", POLICY, None)
    until(lambda: set(found(estate)) == {("r2",)})
    other = tmp_path / "other"
    other.mkdir()
    (other / "_schema.yaml").write_text("rack: {columns: {id: str, power: int}}", encoding="utf-8")
    (other / "rack.csv").write_text("id,power\n", encoding="utf-8")
    with pytest.raises(PolicyError):
        put(estate, {**filed(tmp_path), "folder": str(other)})
    assert found(estate).keys() == {("r2",)}
