"""The driver `push`: what others send becomes rows of declared tables, or an error for whoever sent it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import SourceError
from congresslite.schema import Row
from congresslite.sources import load_definition, shipped_definition
from congresslite.sources.driver import Deadline
from congresslite.sources.drivers.push import Change, Key, PushDriver, Settings, open_driver
from tests.examples import few

WEBHOOKS = Path(__file__).parent / "webhooks"

LAB = """
source: lab
tables:
  vm:
    key: [id]
    owner: project
    columns:
      id: str
      project: {type: str, references: "keystonev3:projects.id"}
      load: float
      cores: int
      up: bool
      note: any
  link: {columns: {a: str, b: str}}
"""


def opened(text: str, folder: Path, max_rows: int = 1000) -> PushDriver:
    """A driver with a definition of its own."""
    path = folder / "lab.yaml"
    path.write_text(text, encoding="utf-8")
    return open_driver("north", Settings(max_rows=max_rows), load_definition(path))


@pytest.fixture
def lab(tmp_path: Path) -> PushDriver:
    """A driver for the tables of `LAB`."""
    return opened(LAB, tmp_path)


def told(error: pytest.ExceptionInfo[SourceError]) -> list[tuple[str, str]]:
    """Code and message of each finding."""
    return [(each.code, each.message) for each in error.value.diagnostics]


def test_what_it_offers(lab: PushDriver) -> None:
    """The definition's tables are there under the source's name, and there is nothing to pull."""
    assert lab.schemas["vm"].name == "north:vm"
    assert lab.owners == {"vm": "project"}
    assert lab.feeds == ()
    assert lab.pull_some("vm", ["a"], Deadline.after(1)) is None
    with pytest.raises(KeyError):
        lab.pull("vm", Deadline.after(1))
    lab.close()


def test_rows(lab: PushDriver) -> None:
    """Objects become rows in the order of the columns; what is left out is null, and 2.0 is 2."""
    rows = lab.rows("vm", [{"id": "a", "load": 2.0, "cores": 4.0, "up": True}, {"note": 1.5, "id": "b", "load": 1}])
    assert rows == [("a", None, 2, 4, True, None), ("b", None, 1, None, None, 1.5)]
    assert [type(value) for value in rows[0]] == [str, type(None), int, int, bool, type(None)]
    assert lab.rows("vm", []) == []
    assert lab.rows("link", [{"a": "x"}, {"a": "x", "b": None}]) == [("x", None)]
    with pytest.raises(KeyError):
        lab.rows("vms", [])


def test_keys(lab: PushDriver) -> None:
    """Rows that go are named by their keys, or by all their columns where the table has no key."""
    assert lab.key_columns("vm") == ("id",)
    assert lab.keys("vm", [{"id": "a"}, {"id": "b", "cores": 4}]) == [("a",), ("b",)]
    assert lab.key("vm", ("a", None, 2, 4, True, None)) == ("a",)
    assert lab.key_columns("link") == ("a", "b")
    assert lab.keys("link", [{"b": "x"}]) == [(None, "x")]
    assert lab.key("link", (None, "x")) == (None, "x")


BAD_ROWS: dict[str, tuple[list[Any], list[tuple[str, str]]]] = {
    "an unknown column": (
        [{"id": "a"}, {"id": "b", "core": 1}],
        [("CL543", "row 2: table `vm` has no column `core`")],
    ),
    "no key": ([{"id": "a"}, {"cores": 1}], [("CL544", "row 2, column `id`: nothing, where the key is")]),
    "a null key": ([{"id": None}], [("CL544", "row 1, column `id`: nothing, where the key is")]),
    "wrong types": (
        [{"id": 7, "cores": "four", "up": 1}],
        [
            ("CL407", "row 1, column `id`: an integer, 7, where the column is of type str"),
            ("CL407", 'row 1, column `cores`: a string, "four", where the column is of type int'),
            ("CL407", "row 1, column `up`: an integer, 1, where the column is of type bool"),
        ],
    ),
    "a fraction": ([{"id": "a", "cores": 1.5}], [("CL407", "row 1, column `cores`: `1.5` is no integer")]),
    "nested": ([{"id": "a", "note": {"x": 1}}], [("CL411", "row 1, column `note`: an object within a row")]),
    "half a character": (
        [{"id": "a", "note": "\ud800"}],
        [("CL412", "row 1, column `note`: '\\ud800' holds half of a character")],
    ),
    "too big": ([{"id": "a", "note": 2**63}], [("CL412", f"row 1, column `note`: `{2**63}` does not fit in 64 bits")]),
    "no object": (
        [{"id": "a"}, ["b"], None],
        [
            ("CL409", "row 2 is a list, where an object is expected"),
            ("CL409", "row 3 is null, where an object is expected"),
        ],
    ),
    "one key twice": (
        [{"id": "a"}, {"id": "b"}, {"id": "a", "cores": 2}],
        [("CL431", 'table `vm`: rows 1 and 3 have one key, a string, "a"')],
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows(lab: PushDriver, name: str) -> None:
    """A row that does not fit is told with its number and its column, and with it the whole request fails."""
    objects, expected = BAD_ROWS[name]
    with pytest.raises(SourceError) as error:
        lab.rows("vm", objects)
    assert told(error) == expected
    assert {each.place for each in error.value.diagnostics} == {"north:vm"}


def test_bad_keys(lab: PushDriver) -> None:
    """Keys are checked like rows."""
    with pytest.raises(SourceError) as error:
        lab.keys("vm", [{"id": "a"}, {"name": "b"}])
    assert told(error) == [("CL543", "row 2: table `vm` has no column `name`")]
    assert error.value.diagnostics[0].hint == "it has `id`, `project`, `load`, `cores`, `up`, `note`"
    with pytest.raises(SourceError) as error:
        lab.keys("vm", [{"cores": 1}])
    assert told(error) == [("CL544", "row 1, column `id`: nothing, where the key is")]


def test_bounds(tmp_path: Path) -> None:
    """More rows than allowed are refused without reading on, and hostile rows do not make findings without end."""
    lab = opened(LAB, tmp_path, max_rows=100)
    with pytest.raises(SourceError) as error:
        lab.rows("vm", ({"id": str(number)} for number in iter(int, 1)))
    assert told(error) == [("CL541", "table `vm`: more than 100 rows at once")]
    with pytest.raises(SourceError) as error:
        lab.rows("vm", [{f"x{number}": 1} for number in range(100)])
    assert len(error.value.diagnostics) == 20


SCALARS = st.sampled_from([None, True, False, 0, 7, -1.5, 1e400, 2**70, "", "resolved", "\ud800", "x"])
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["id", "x", ""]), SCALARS)
NAMES = st.sampled_from(["id", "project", "load", "cores", "up", "note", "other"])
DRIVER = open_driver("prom", Settings(), shipped_definition("alertmanager"))


@few(100)
@given(st.lists(st.dictionaries(NAMES, JSON), max_size=4))
def test_any_json(objects: list[dict[str, Any]]) -> None:
    """Whatever JSON is sent, it becomes rows or findings, never anything else."""
    try:
        rows = DRIVER.rows("alerts", objects)
    except SourceError as error:
        assert error.diagnostics
    else:
        assert all(len(row) == DRIVER.schemas["alerts"].arity for row in rows)


ALERT = {"fingerprint": JSON, "status": JSON, "labels": JSON, "annotations": JSON}


@few(100)
@given(JSON | st.fixed_dictionaries({"alerts": JSON | st.lists(st.fixed_dictionaries({}, optional=ALERT), max_size=3)}))
def test_any_notification(body: Any) -> None:
    """Whatever a webhook gets, it becomes changes or findings."""
    try:
        changes = DRIVER.hook("alerts", body)
    except SourceError as error:
        assert error.diagnostics
    else:
        assert list(changes) == ["alerts", "alerts.labels", "alerts.annotations"]


# -- webhooks -------------------------------------------------------------------------------------


class Held:
    """The rows that somebody holds who follows what hooks say."""

    def __init__(self, driver: PushDriver) -> None:
        self.driver = driver
        self.tables: dict[str, dict[Key, Row]] = {name: {} for name in driver.schemas}

    def apply(self, changes: Mapping[str, Change]) -> dict[str, set[Row]]:
        """What is held after a notification."""
        for table, change in changes.items():
            held = self.tables[table]
            for begin in change.deletes:
                for key in [each for each in held if each[: len(begin)] == begin]:
                    del held[key]
            held.update({self.driver.key(table, row): row for row in change.upserts})
        return self.rows

    @property
    def rows(self) -> dict[str, set[Row]]:
        """What is held."""
        return {name: set(rows.values()) for name, rows in self.tables.items()}


def posted(source: str) -> tuple[Held, Any]:
    """Nothing yet, and a notification of a system."""
    driver = open_driver(source, Settings(), shipped_definition(source))
    return Held(driver), json.loads((WEBHOOKS / f"{source}.json").read_text(encoding="utf-8"))


def test_alertmanager() -> None:
    """Alerts that fire are rows with their labels and annotations; one that is resolved takes them along."""
    held, body = posted("alertmanager")
    firing = held.apply(held.driver.hook("alerts", body))
    url = "http://prometheus.lab:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    summary = "A compute host does not answer"
    assert firing["alerts"] == {
        (
            "b1c2d3e4f5a60718", "firing", "HostDown", "critical", "compute-1:9100", "node", summary,
            "2026-03-01T08:30:12.738Z", url,
        )
    }  # fmt: skip
    assert {row[1:] for row in firing["alerts.labels"]} == {
        ("alertname", "HostDown"),
        ("instance", "compute-1:9100"),
        ("job", "node"),
        ("severity", "critical"),
    }
    assert {row[1] for row in firing["alerts.annotations"]} == {"summary", "runbook"}
    assert held.apply(held.driver.hook("alerts", body)) == firing
    changed = copy.deepcopy(body)
    changed["alerts"][0]["annotations"] = {}
    assert held.apply(held.driver.hook("alerts", changed))["alerts.annotations"] == set()
    for alert in changed["alerts"]:
        alert["status"] = "resolved"
    assert held.apply(held.driver.hook("alerts", changed)) == {name: set() for name in held.tables}


def test_other_alerts_stay() -> None:
    """A notification says nothing of the alerts that it does not name."""
    held, body = posted("alertmanager")
    held.apply(held.driver.hook("alerts", body))
    other = copy.deepcopy(body)
    other["alerts"] = [{**body["alerts"][0], "fingerprint": "b1"}]
    after = held.apply(held.driver.hook("alerts", other))
    assert {row[0] for row in after["alerts"]} == {"b1", "b1c2d3e4f5a60718"}
    assert len(after["alerts.labels"]) == 8


def test_last_word() -> None:
    """Of an alert that a notification names twice, the last word counts."""
    held, body = posted("alertmanager")
    alert = body["alerts"][0]
    body["alerts"] = [{**alert, "status": "resolved"}, alert]
    assert len(held.apply(held.driver.hook("alerts", body))["alerts"]) == 1
    body["alerts"] = [alert, {**alert, "status": "resolved"}]
    assert held.apply(held.driver.hook("alerts", body))["alerts"] == set()


def test_vitrage() -> None:
    """An alarm of Vitrage comes with its resource, and goes when it is deactivated."""
    held, body = posted("vitrage")
    ((alarm,), *_) = held.apply(held.driver.hook("alarms", body)).values()
    assert alarm == (
        "6a1f7c1e-7d0e-4c53-9a3f-3f0f4a2d8c11", "Instance is in an error state", "vitrage", "Active", "CRITICAL",
        "2026-03-01T08:30:12Z", "d3b6c5ce-5c0b-4d3a-93a0-0a4f6a1c7e55", "mme-1", "nova.instance", "ERROR",
        "0a7d4f0c-51b2-4a6b-8a53-9a0de4b9be26", "5f6a0c1de7f14c0f8f5d7fd7b2f7f9aa",
    )  # fmt: skip
    body["notification"] = "vitrage.alarm.deactivate"
    body["payload"]["state"] = "Inactive"
    assert held.apply(held.driver.hook("alarms", body)) == {"alarms": set()}


def test_monasca() -> None:
    """An alarm of Monasca comes with its metrics and what they were measured on, changes, and goes when it is OK."""
    held, body = posted("monasca")
    rows = held.apply(held.driver.hook("alarms", body))
    assert {(row[4], row[5]) for row in rows["alarm_notification"]} == {(1772353812.5, "ALARM")}
    assert {row[1] for row in rows["alarm_notification.metrics"]} == {"cpu.user_perc", "load.avg_1_min"}
    assert {row[1:] for row in rows["alarm_notification.dimensions"]} == {
        ("cpu.user_perc", "hostname", "compute-1"),
        ("cpu.user_perc", "hostname", "compute-2"),
        ("cpu.user_perc", "service", "compute"),
        ("load.avg_1_min", "hostname", "compute-1"),
    }
    body.update(state="UNDETERMINED", old_state="ALARM", metrics=body["metrics"][:1])
    rows = held.apply(held.driver.hook("alarms", body))
    assert len(rows["alarm_notification"]) == 1
    assert {row[3] for row in rows["alarm_notification.dimensions"]} == {"compute-1", "compute"}
    body.update(state="OK", old_state="UNDETERMINED")
    assert held.apply(held.driver.hook("alarms", body)) == {name: set() for name in held.tables}


BAD_BODIES: dict[str, tuple[Any, str, str]] = {
    "no objects": ({"status": "firing"}, "CL434", "`alerts` is to lead to objects, but it is nothing"),
    "a text": ("firing", "CL434", "`alerts` is to lead to objects, but it is nothing"),
    "no object": ({"alerts": [7]}, "CL434", "element 1 of what `alerts` leads to is an integer, 7"),
    "no id": ({"alerts": [{"status": "firing"}]}, "CL407", "where a value is required"),
    "an id of another type": ({"alerts": [{"fingerprint": 7}]}, "CL407", "row 1, column `fingerprint`: an integer, 7"),
    "a nested value": (
        {"alerts": [{"fingerprint": "a", "labels": {"severity": ["x"]}}]},
        "CL411",
        "table `alerts`: row 1, column `severity`: a list within a row",
    ),
    "labels that are a list": (
        {"alerts": [{"fingerprint": "a", "labels": ["x"]}]},
        "CL434",
        "table `alerts.labels`: in function items()",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_notifications(name: str) -> None:
    """A notification of another form is an error that says where it differs."""
    body, code, message = BAD_BODIES[name]
    with pytest.raises(SourceError) as error:
        DRIVER.hook("alerts", body)
    found = error.value.diagnostics[0]
    assert found.code == code
    assert message in found.message
    assert found.place == "hook alerts"


def test_unknown_hook() -> None:
    """A hook that the definition does not have is not there."""
    with pytest.raises(KeyError):
        DRIVER.hook("alarm", {})


def test_without_definition() -> None:
    """A source that is pushed to needs a definition."""
    with pytest.raises(SourceError) as error:
        open_driver("north", Settings(), None)
    assert told(error) == [("CL430", "source `north` lacks `definition`, which says what its tables are")]


def test_delete_when_is_a_test(tmp_path: Path) -> None:
    """What says whether an object is over must be true or false: anything else would be taken for a change."""
    text = "source: lab\nhooks: {h: {delete_when: over}}\ntables: {t: {from: h, key: [id], columns: {id: str}}}\n"
    driver = opened(text, tmp_path)
    assert driver.hook("h", {"id": "a"}) == {"t": ([("a",)], [])}
    assert driver.hook("h", [{"id": "a", "over": True}, {"id": "b", "over": False}]) == {"t": ([("b",)], [("a",)])}
    with pytest.raises(SourceError) as error:
        driver.hook("h", {"id": "a", "over": "yes"})
    assert told(error) == [("CL434", '`over` leads to a string, "yes", where true or false is expected')]


BAD_HOOKS: dict[str, tuple[str, str, str]] = {
    "no mapping": ("hooks: [a]", "CL422", "`hooks` is expected to be a mapping"),
    "an unknown key": ("hooks: {h: {object: a}}", "CL421", "hook `h` has no key `object`"),
    "a malformed path": ("hooks: {h: {objects: 'a['}}", "CL427", "`objects` of hook `h` is malformed"),
    "the name of a reply": ("replies: {h: {path: /h}}\nhooks: {h: {}}", "CL422", "hook `h` has the name of a reply"),
    "no table": ("hooks: {g: {}, h: {}}", "CL545", "hook `g` has no table of its objects"),
    "no key": ("hooks: {h: {}}\ntables: {t: {from: h, columns: {id: str}}}", "CL545", "has no table of its objects"),
    "rows": (
        "hooks: {h: {}}\ntables: {t: {from: h, rows: x, key: [id], columns: {id: str}}}",
        "CL545",
        "has no table of its objects",
    ),
    "no reference": (
        "hooks: {h: {}}\ntables: {t: {from: h, key: [id], columns: {id: str}},"
        " u: {from: h, rows: {o: '@', x: o.x}, columns: {id: {path: o.id, type: str}}}}",
        "CL545",
        "hook `h`: table `u` does not say which object a row is of",
    ),
    "a key that begins otherwise": (
        "hooks: {h: {}}\ntables: {t: {from: h, key: [id], columns: {id: str}},"
        " u: {from: h, rows: {o: '@', x: o.x}, columns: {x: {path: x, type: str},"
        " id: {path: o.id, type: str, references: t.id}}}}",
        "CL545",
        "hook `h`: the key of table `u` does not begin with the object that a row is of",
    ),
    "an unknown hook": (
        "hooks: {hook: {}}\ntables: {t: {from: hok, key: [id], columns: {id: str}}}",
        "CL428",
        "table `t` comes from an unknown reply `hok`",
    ),
}


@pytest.mark.parametrize("name", BAD_HOOKS)
def test_bad_hooks(name: str, tmp_path: Path) -> None:
    """A hook that could not tell which rows are of which object is an error of the definition, with its line."""
    text, code, message = BAD_HOOKS[name]
    if "tables:" not in text:
        text += "\ntables: {t: {from: h, key: [id], columns: {id: str}}}"
    with pytest.raises(SourceError) as error:
        opened(f"source: lab\n{text}\n", tmp_path)
    found = error.value.diagnostics[0]
    assert found.code == code
    assert message in found.message
    assert found.span is not None
