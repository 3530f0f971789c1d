"""Sources whose settings change while the estate runs: what they hold stays, unless their tables are others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from congresslite.config.models import Config
from congresslite.diagnostics import CongressliteError, Diagnostic, PolicyError, SourceError
from congresslite.live import LiveEstate, cache
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


# -- definitions that change ---------------------------------------------------------------------

WINDOWS = [
    {"site": "paris", "begins": 1, "ends": 5},
    {"site": "paris", "begins": 2, "ends": 6},
    {"site": "lyon", "begins": 3, "ends": 7},
]
Sent = Callable[[LiveEstate], None]


def sent_at_once(estate: LiveEstate) -> None:
    """All rows as a whole: they are in the table's base."""
    estate.put_rows(ADMIN, "plan", "windows", WINDOWS)


def sent_one_by_one(estate: LiveEstate) -> None:
    """Rows as changes: there is no base; one that went is gone."""
    for each in WINDOWS:
        estate.push_rows(ADMIN, "plan", "windows", [each])
    estate.push_rows(ADMIN, "plan", "windows", [{"site": "nice", "begins": 9}])
    estate.push_rows(ADMIN, "plan", "windows", [], [{"site": "nice", "begins": 9, "ends": None}])


def sent_both_ways(estate: LiveEstate) -> None:
    """A base, and changes since: one row of the base is another one, and one is gone."""
    gone = {"site": "nice", "begins": 9, "ends": None}
    estate.put_rows(ADMIN, "plan", "windows", [*WINDOWS[:1], {**WINDOWS[1], "ends": 0}, gone])
    estate.push_rows(ADMIN, "plan", "windows", WINDOWS[2:], [gone])
    estate.push_rows(ADMIN, "plan", "windows", [WINDOWS[1]], [{**WINDOWS[1], "ends": 0}])


SENT = [sent_at_once, sent_one_by_one, sent_both_ways]


def planned(folder: Path, windows: str, **more: Any) -> Config:
    """The configuration of a pushed source with one table."""
    definition = folder / "plan.yaml"
    definition.write_text(f"source: plan\ntables: {{windows: {windows}}}\n", encoding="utf-8")
    plan = {"driver": "push", "definition": str(definition), **more}
    return Config.model_validate({"state": folder / "state", "sources": {"plan": plan}})


def held(estate: LiveEstate) -> set[tuple[Any, ...]]:
    """The rows of the table."""
    return set(estate.rows(ADMIN, "plan:windows").rows)


BEGUN = "{key: [site, begins], columns: {site: str, begins: int, ends: int}}"
ROWS_OF_PLAN = {("paris", 1, 5), ("paris", 2, 6), ("lyon", 3, 7)}
CHANGES: dict[str, tuple[str, set[tuple[Any, ...]]]] = {
    "the same": (BEGUN, ROWS_OF_PLAN),
    "another key": ("{key: [begins], columns: {site: str, begins: int, ends: int}}", ROWS_OF_PLAN),
    "a longer key": ("{key: [site, begins, ends], columns: {site: str, begins: int, ends: int}}", ROWS_OF_PLAN),
    "no key": ("{columns: {site: str, begins: int, ends: int}}", ROWS_OF_PLAN),
    "a column more": (
        "{key: [site, begins], columns: {why: str, site: str, begins: int, ends: int}}",
        {(None, *row) for row in ROWS_OF_PLAN},
    ),
    "a column less": ("{key: [site, begins], columns: {site: str, begins: int}}", {row[:2] for row in ROWS_OF_PLAN}),
    "another order": (
        "{key: [begins, site], columns: {ends: int, begins: int, site: str}}",
        {row[::-1] for row in ROWS_OF_PLAN},
    ),
    "a wider type": ("{key: [site, begins], columns: {site: any, begins: any, ends: any}}", ROWS_OF_PLAN),
}


@pytest.mark.parametrize(("windows", "expected"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(("first", "sent"), [*((BEGUN, each) for each in SENT), (CHANGES["no key"][0], sent_both_ways)])
def test_pushed_rows_follow_their_definition(
    tmp_path: Path, first: str, sent: Sent, windows: str, expected: set[tuple[Any, ...]]
) -> None:
    """After a definition changed, the rows are read by the names of columns, and change by the new key from then on."""
    estate = opened(planned(tmp_path, first))
    sent(estate)
    assert held(estate) == ROWS_OF_PLAN
    estate.stop()
    gone = min(expected, key=str)
    for rows in (expected, expected - {gone}):
        estate = opened(planned(tmp_path, windows))
        names = [each.name for each in estate.table(ADMIN, "plan:windows").schema.columns]
        assert held(estate) == rows
        estate.push_rows(ADMIN, "plan", "windows", [], [dict(zip(names, gone, strict=True))])
        assert held(estate) == expected - {gone}
        estate.stop()


UNFIT = {
    "two rows of one key": "{key: [site], columns: {site: str, begins: int, ends: int}}",
    "values of another type": "{key: [site, begins], columns: {site: int, begins: int, ends: int}}",
}


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("windows", UNFIT.values(), ids=UNFIT)
def test_pushed_rows_that_do_not_fit_their_definition(tmp_path: Path, sent: Sent, windows: str) -> None:
    """Nothing starts with rows that do not fit: the former definition has them still; or they are let go if told so."""
    estate = opened(planned(tmp_path, BEGUN))
    sent(estate)
    estate.stop()
    with pytest.raises(SourceError) as raised:
        opened(planned(tmp_path, windows))
    (finding,) = raised.value.diagnostics
    assert (finding.code, finding.place) == ("CL575", "plan:windows")
    assert "unfit_rows: drop" in str(finding.hint)
    for definition, more, expected in (
        (BEGUN, {}, ROWS_OF_PLAN),
        (BEGUN, {"unfit_rows": "drop"}, ROWS_OF_PLAN),
        (windows, {"unfit_rows": "drop"}, set()),
        (windows, {}, set()),
    ):
        estate = opened(planned(tmp_path, definition, **more))
        assert held(estate) == expected
        estate.stop()


def test_a_base_that_is_lost(tmp_path: Path) -> None:
    """A lost file of pushed rows is never an empty table, unless somebody says that it may be."""
    estate = opened(planned(tmp_path, BEGUN))
    sent_both_ways(estate)
    estate.stop()
    (base,) = (tmp_path / "state/pushed").glob("plan*.arrow")
    base.write_bytes(b"damaged")
    with pytest.raises(SourceError) as raised:
        opened(planned(tmp_path, BEGUN))
    assert [(each.code, each.place) for each in raised.value.diagnostics] == [("CL575", str(base))]
    for more in ({"unfit_rows": "drop"}, {}):
        estate = opened(planned(tmp_path, BEGUN, **more))
        assert held(estate) == set()
        estate.stop()


def test_a_base_from_before_keys_were_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base without its key is read as it is, and has it from then on, so that the key may change."""
    with monkeypatch.context() as older:
        older.setattr(cache, "_key", lambda schema: {})
        estate = opened(planned(tmp_path, BEGUN))
        sent_both_ways(estate)
        estate.stop()
    with pytest.raises(SourceError):
        opened(planned(tmp_path, CHANGES["another key"][0]))
    for windows in (BEGUN, CHANGES["another key"][0], CHANGES["no key"][0]):
        estate = opened(planned(tmp_path, windows))
        assert held(estate) == ROWS_OF_PLAN
        estate.stop()


@pytest.mark.parametrize("sent", SENT)
def test_a_definition_that_is_put(open_: Open, tmp_path: Path, sent: Sent) -> None:
    """A pushed source that is put with another definition keeps its rows, or is refused and stays as it was."""
    estate = open_()

    def put_plan(windows: str) -> None:
        known = any(each.name == "plan" for each in estate.sources())
        settings = planned(tmp_path, windows).sources["plan"].model_dump(mode="json")
        etag = estate.source_settings("plan")[1] if known else None
        estate.put_source(ADMIN, "plan", {**settings, **planned(tmp_path, windows).sources["plan"].settings}, etag)

    put_plan(BEGUN)
    sent(estate)
    with pytest.raises(SourceError):
        put_plan(UNFIT["two rows of one key"])
    assert held(estate) == ROWS_OF_PLAN
    planned(tmp_path, BEGUN)
    assert held(open_()) == ROWS_OF_PLAN
    estate = open_()
    windows, expected = CHANGES["a column more"]
    put_plan(windows)
    assert held(estate) == expected
    estate = open_()
    assert held(estate) == expected
    put_plan(CHANGES["another key"][0])
    estate.push_rows(ADMIN, "plan", "windows", [{"site": "brest", "begins": 1}])
    assert held(estate) == held(open_()) == (ROWS_OF_PLAN - {("paris", 1, 5)}) | {("brest", 1, None)}
