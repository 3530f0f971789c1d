"""Why and why not, asked of the engine: the answers of the naive evaluator, and no column read for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given

from congresslite import Delta, Engine, Policy
from congresslite.diagnostics import Source
from congresslite.engine.explanation import ANY, Pattern, as_json, explain, why_not
from congresslite.language.check import check_sources
from congresslite.schema import ColumnValues, Row, RowsTable, TableData, TableSchema
from congresslite.sources import open_inventory
from tests.engine.lookups import CLOCK, NaiveLookup, rows_beside
from tests.engine.proof_checker import Checker
from tests.engine.same_answers import check_same, progress_of
from tests.engine.strategies import CATALOG, Case, cases
from tests.examples import PROGRAMS, few

SHORT = few(30, suppress_health_check=PROGRAMS)


@SHORT
@given(case=cases())
def test_engine(case: Case) -> None:
    """The engine itself gives the proofs that the naive evaluator's tables give, and fails where they do."""
    program = check_sources([Source("p.dl", case.text)], CATALOG).program
    assume(program is not None)
    assert program is not None
    data = {name: RowsTable(schema, case.tables[name]) for name, schema in CATALOG.tables.items()}
    engine = Engine.load(Policy("p", case.text), data)
    lookup = NaiveLookup(program, case.tables)
    for name, row in Checker(program, lookup.tables, CLOCK).rows():
        expected, proof = explain(lookup, name, row), engine.explain(name, row, whole=True)
        assert expected is not None
        assert proof is not None
        assert without_files(as_json(proof)) == without_files(as_json(expected))
        check_same(engine.explain(name, row), proof)
        assert engine.why_not(name, row) is None
    for name, row in rows_beside(program, lookup.tables):
        assert engine.explain(name, row) is None
        assert progress_of(engine.why_not(name, row)) == progress_of(why_not(lookup, name, row))


def without_files(document: Any) -> str:
    """A document as text, without the names of files."""
    return re.sub(r'"file": "[^"]*"', "", json.dumps(document))


# -- what is read ------------------------------------------------------------------------------------

FILES = {
    "_schema.yaml": "vm: {columns: {id: str}, key: [id]}\n",
    "vm.csv": "id,host,vcpus,flavor,owner\nv1,h1,4,small,ann\nv2,h1,8,large,bob\nv3,h2,2,small,ann\n",
    "host.csv": "id,disk,rack\nh1,hdd,r1\nh2,ssd,r2\n",
    "port.csv": "vm,mac,lan\nv1,m1,l2\nv1,m2,l1\n",
    "link.csv": "a,b,fibre\nh1,h2,f1\nh1,h2,f2\nh2,h3,f3\n",
}
POLICY = """
error(v, h) :- inv:vm(id=v, host=h, owner=o), inv:host(id=h, disk="hdd").
load(h, sum(n)) :- inv:vm(host=h, vcpus=n).
reach(a, b) :- inv:link(a, b, _).
reach(a, c) :- reach(a, b), inv:link(b, c, _).
linked(h) :- inv:host(id=h), inv:link(a=h).
either(h) :- (inv:host(id=h, rack=r)) or (inv:link(a=h, fibre=r), r = "f3").
wired(v) :- inv:port(vm=v, mac=m, lan=n), n != "l3".
never(v) :- inv:vm(id=v, flavor=f), 1 = 2, f = "small".
"""


class Recorded:
    """A table that notes which columns are asked for."""

    def __init__(self, table: TableData) -> None:
        self._table = table
        self.asked: list[str] = []

    @property
    def schema(self) -> TableSchema:
        """That of the table."""
        return self._table.schema

    @property
    def num_rows(self) -> int:
        """That of the table."""
        return self._table.num_rows

    def columns(self, names: Sequence[str]) -> Mapping[str, ColumnValues]:
        """Those of the table."""
        self.asked += names
        return self._table.columns(names)


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Recorded]:
    """Files of one source."""
    (tmp_path / "inv").mkdir()
    for name, text in FILES.items():
        (tmp_path / "inv" / name).write_text(text, encoding="utf-8")
    return {name: Recorded(table) for name, table in open_inventory(tmp_path).tables.items()}


@pytest.fixture
def engine(tables: dict[str, Recorded]) -> Engine:
    """The policy over the files, what was asked for its evaluation forgotten."""
    made = Engine.load(Policy("p", POLICY), tables)
    for table in tables.values():
        table.asked.clear()
    return made


def asked(tables: Mapping[str, Recorded]) -> dict[str, list[str]]:
    """The columns that were asked for, by table."""
    return {name: sorted(table.asked) for name, table in tables.items() if table.asked}


def rows_of(document: Any) -> list[dict[str, Any]]:
    """The rows of the sources in a proof, in its order."""
    return [step["row"] for step in document["steps"] if step["from"] == "source"]


VM1, H1 = {"id": "v1", "host": "h1", "vcpus": 4}, {"id": "h1", "disk": "hdd"}


@pytest.mark.parametrize(
    ("table", "row", "rows"),
    [
        ("p:error", ("v1", "h1"), [VM1, H1]),
        ("p:load", ("h1", 12), [VM1, {"id": "v2", "host": "h1", "vcpus": 8}]),
        ("p:reach", ("h1", "h3"), [{"a": "h1", "b": "h2", "fibre": "f1"}, {"a": "h2", "b": "h3", "fibre": "f3"}]),
        ("p:linked", ("h1",), [H1, {"a": "h1", "b": "h2", "fibre": "f1"}]),
        ("p:either", ("h1",), [H1]),
        ("p:wired", ("v1",), [{"vm": "v1", "lan": "l1"}]),
    ],
    ids=["a join", "a group of keyed rows", "a recursion", "existence", "a branch", "the least of what is looked at"],
)
def test_a_proof_reads_nothing(
    engine: Engine, tables: dict[str, Recorded], table: str, row: Row, rows: list[dict[str, Any]]
) -> None:
    """A proof has the columns that are held, asks the sources for none, and says what it says of whole rows."""
    proof = engine.explain(table, row)
    assert proof is not None
    assert asked(tables) == {}
    assert rows_of(as_json(proof)) == rows
    check_same(proof, engine.explain(table, row, whole=True))


@pytest.mark.parametrize(
    ("table", "row", "near"),
    [
        ("p:error", ("v1", "h2"), [VM1]),
        ("p:error", (ANY, "h2"), [{"id": "h2", "disk": "ssd"}, H1]),
        ("p:linked", ("h4",), []),
        ("p:load", ("h1", 13), []),
    ],
    ids=["a missing row", "an open column", "nothing near", "another sum"],
)
def test_a_failure_reads_nothing(
    engine: Engine, tables: dict[str, Recorded], table: str, row: Pattern, near: list[dict[str, Any]]
) -> None:
    """What a rule found, and the rows that come nearest, have the columns that are held; no source is asked."""
    answer = engine.why_not(table, row)
    assert answer is not None
    assert asked(tables) == {}
    (attempt,) = answer.attempts
    if attempt.failed.reason == "missing":
        assert [dict(zip(each.columns, each.row, strict=True)) for each in attempt.failed.near] == near
    assert progress_of(answer) == progress_of(engine.why_not(table, row, whole=True))


def test_whole_rows(engine: Engine, tables: dict[str, Recorded]) -> None:
    """Whoever wants whole rows gets them, from the files, and has them from then on."""
    whole = engine.explain("p:error", ("v1", "h1"), whole=True)
    assert asked(tables) == {"inv:host": ["rack"], "inv:vm": ["flavor", "owner"]}
    again = engine.explain("p:error", ("v1", "h1"))
    assert whole is not None
    assert again is not None
    rows = [VM1 | {"flavor": "small", "owner": "ann"}, H1 | {"rack": "r1"}]
    assert rows_of(as_json(whole)) == rows_of(as_json(again)) == rows
    assert whole.bindings == {"v": "v1", "h": "h1", "o": "ann"}


def test_after_a_change(engine: Engine, tables: dict[str, Recorded]) -> None:
    """A table that has changed is held whole, and its rows are told so."""
    engine.apply({"inv:vm": Delta(insert=[("v4", "h1", 1, "small", "cat")])})
    before = asked(tables)
    proof = engine.explain("p:error", ("v4", "h1"))
    assert proof is not None
    assert rows_of(as_json(proof)) == [
        {"id": "v4", "host": "h1", "vcpus": 1, "flavor": "small", "owner": "cat"},
        {"id": "h1", "disk": "hdd"},
    ]
    assert asked(tables) == before


def test_a_rule_that_never_fires(engine: Engine) -> None:
    """A body that contradicts itself had nothing read for it; why-not follows it all the same."""
    answer = engine.why_not("p:never", ("v1",))
    assert answer is not None
    assert [each.failed.with_values for each in answer.attempts] == ["1 = 2"]
