"""`Engine.apply`: batches are net and atomic, and whatever is wrong with one is told and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from congresslite import Delta, Engine, Policy
from congresslite.diagnostics import CongressliteError, EvaluationError, PolicyError, SourceError
from congresslite.schema import Column, Row, RowsTable, TableSchema, Type
from tests.api.links import loaded, net, state

# -- what is told -------------------------------------------------------------------------------------------------


def test_changes_name_every_derived_table() -> None:
    """There is an entry for each derived table as users name it, empty where nothing changed, and for no other."""
    engine = loaded()
    changes = engine.apply({"net:link": Delta(insert=[(3, 4)])})
    assert set(changes) == set(engine.tables()) == {"net_rules:reach", "hosts:busy", "hosts:error"}
    assert changes.changed() == ("net_rules:reach",)
    assert net(changes["net_rules:reach"]) == ({(1, 4), (2, 4), (3, 4)}, set())
    assert not changes["hosts:busy"].insert
    assert not changes["hosts:busy"].delete
    for unknown in ("net:link", "hosts:nothing"):
        with pytest.raises(KeyError):
            changes[unknown]


def test_rows_are_told_as_they_are_shown() -> None:
    """A changed row has the values that `rows` gives: a column of floats has floats, and true is not 1."""
    engine = loaded()
    changes = engine.apply({"net:host": Delta(insert=[("h4", 3, True)], delete=[("h2", 1, True)])})
    (came,), (went,) = changes["hosts:error"].insert, changes["hosts:error"].delete
    assert (came, went) == (("h4", 3.0), ("h2", 1.0))
    assert isinstance(came[1], float)
    assert isinstance(went[1], float)
    assert engine.rows("hosts:error") == [came]


def test_changes_last() -> None:
    """What was told stays as it was, whatever is applied later and whenever it is first looked at."""
    engine = loaded()
    told = [engine.apply({"net:link": Delta(insert=[(number, number + 1)])}) for number in range(3, 40)]
    engine.apply({"net:link": Delta(delete=engine.rows("net:link"))}, remove=["hosts"])
    for number, changes in enumerate(told, start=3):
        assert net(changes["net_rules:reach"]) == ({(a, number + 1) for a in range(1, number + 1)}, set())


@pytest.mark.parametrize(
    ("delta", "came", "went"),
    [
        (Delta(), set(), set()),
        (Delta(insert=[(1, 2), (1, 2)]), set(), set()),
        (Delta(delete=[(7, 7), (3, 2)]), set(), set()),
        (Delta(insert=[(1, 2)], delete=[(1, 2)]), set(), set()),
        (Delta(insert=[(5, 6)], delete=[(5, 6)]), {(5, 6)}, set()),
        (Delta(insert=[(5, 6), (5, 6)]), {(5, 6)}, set()),
        (Delta(delete=[(2, 3), (2, 3)]), set(), {(2, 3), (1, 3)}),
        (Delta(insert=((5, 6),), delete=((1, 2), (9, 9))), {(5, 6)}, {(1, 2), (1, 3)}),
    ],
    ids=["nothing", "what is there", "what is not there", "an insert wins, there", "an insert wins, not there",
         "repeated inserts", "repeated deletes", "tuples of rows"],
)  # fmt: skip
def test_batches_are_net(delta: Delta, came: set[Row], went: set[Row]) -> None:
    """Only what makes a difference is told; a batch that says nothing new changes nothing."""
    engine = loaded()
    before = state(engine)
    assert net(engine.apply({"net:link": delta})["net_rules:reach"]) == (came, went)
    assert (state(engine) == before) is (not came and not went)


def test_tables_that_no_rule_reads() -> None:
    """Rows of a table that nobody reads are kept, and count as soon as somebody does."""
    engine = loaded()
    changes = engine.apply({"net:tag": Delta(insert=[("y",), (False,)], delete=[("x",)])})
    assert changes.changed() == ()
    assert engine.count("net:tag") == 3
    assert sorted(engine.rows("net:tag"), key=repr) == [("y",), (1,), (False,)]
    policy = Policy("tags", "t(x) :- net:tag(x).")
    assert net(engine.apply({"net:tag": Delta(insert=[("z",)])}, policies=[policy])["tags:t"]) == (
        {("y",), (1,), (False,), ("z",)},
        set(),
    )


def test_columns_that_no_rule_read_before() -> None:
    """Columns that only a later policy reads hold the rows of all batches."""
    engine = loaded(Policy("p", "t(a) :- net:link(a, _)."))
    changes = engine.apply({"net:link": Delta(insert=[(1, 7)], delete=[(1, 2)])})
    assert changes.changed() == ()
    changes = engine.apply(policies=[Policy("q", "u(b) :- net:link(_, b). v(a, count(b)) :- net:link(a, b).")])
    assert net(changes["q:u"]) == ({(3,), (7,)}, set())
    assert net(changes["q:v"]) == ({(1, 1), (2, 1)}, set())


def test_a_later_rule_that_equates_columns() -> None:
    """A later rule finds equal values of columns that rules read apart so far, or not at all; new rows do, too."""
    engine = loaded(Policy("p", "t(a) :- net:link(a, _). u(b) :- net:link(_, b)."))
    engine.apply({"net:link": Delta(insert=[(7, 5), (4, 4)]), "net:tag": Delta(insert=[(4,)])})
    changes = engine.apply(policies=[Policy("q", "t(x) :- net:link(x, x). u(x, y) :- net:link(x, y), net:tag(y).")])
    assert net(changes["q:t"]) == ({(4,)}, set())
    assert net(changes["q:u"]) == ({(4, 4)}, set())
    changes = engine.apply({"net:link": Delta(insert=[(5, 5), (9, 5)], delete=[(4, 4)]), "net:tag": Delta([(5,)])})
    assert net(changes["q:t"]) == ({(5,)}, {(4,)})
    assert net(changes["q:u"]) == ({(7, 5), (5, 5), (9, 5)}, {(4, 4)})


# -- batches that break -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A batch that cannot be applied, and the error that it ends with."""

    changes: Mapping[str, Delta] = field(default_factory=dict)
    policies: Sequence[Policy | str] = ()
    remove: Sequence[str] = ()
    error: type[CongressliteError] = SourceError


def rows(*given: Any, table: str = "net:host") -> Wrong:
    """A batch with a good row, and then these."""
    return Wrong({"net:link": Delta(insert=[(8, 9)]), table: Delta(insert=[*given])})


WRONG: dict[str, Wrong] = {
    "a row too short": rows(("h9", 1.0)),
    "a row too long": rows(("h9", 1.0, True, 1)),
    "a row without columns": rows(()),
    "a row to delete of the wrong length": Wrong({"net:link": Delta(insert=[(8, 9)], delete=[(1,)])}),
    "a number for a text": rows((9, 1.0, True)),
    "a text for a number": rows(("h9", "1.0", True)),
    "a boolean for a number": rows(("h9", True, True)),
    "a number for a boolean": rows(("h9", 1.0, 1)),
    "a fraction for an integer": rows((1.5, 2), table="net:link"),
    "the second row of a table": rows(("h8", 1.0, True), ("h9", 1.0, "yes")),
    "not a number": rows(("h9", float("nan"), True)),
    "an infinity": rows(("h9", float("-inf"), True)),
    "not a number, where all kinds go": rows((float("nan"),), table="net:tag"),
    "an integer beyond 64 bits": rows((2**63, 1), table="net:link"),
    "an integer beyond 64 bits, where all kinds go": rows((-(2**63) - 1,), table="net:tag"),
    "a list as a value": rows(([1],), table="net:tag"),
    "bytes as a value": rows((b"x",), table="net:tag"),
    "a table that there is not": rows((1,), table="net:nothing"),
    "a source that there is not": rows((1,), table="nothing:link"),
    "a table without a source": rows((1, 2), table="link"),
    "a derived table": rows((1, 2), table="net_rules:reach"),
    "violations": rows(("h1", 1.0), table="hosts:error"),
    "a policy that does not parse": Wrong(policies=[Policy("x", "t(x) :- net:link(x, _)")], error=PolicyError),
    "a policy that reads what is not there": Wrong(policies=[Policy("x", "t(x) :- net:no(x).")], error=PolicyError),
    "a policy that is not stratified": Wrong(
        policies=[Policy("x", "t(x) :- net:link(x, _), not u(x). u(x) :- net:link(x, _), t(x).")], error=PolicyError
    ),
    "one wrong policy of two": Wrong(
        policies=[Policy("y", "t(x) :- net:tag(x)."), Policy("x", "t(x) :- net:tag(x, x).")], error=PolicyError
    ),
    "a policy whose table others read, gone": Wrong(
        policies=[Policy("x", "t(x) :- net_rules:reach(x, _).")], remove=["net_rules"], error=PolicyError
    ),
    "a policy that there is not, removed": Wrong(remove=["nobody"], error=PolicyError),
    "a known policy and one that there is not, removed": Wrong(remove=["hosts", "nobody"], error=PolicyError),
    "a policy named like a source": Wrong(policies=[Policy("net", "t(1).")], error=PolicyError),
    "a policy file that is not there": Wrong(policies=["/nowhere/x.dl"], error=SourceError),
    "right rows with a wrong policy": Wrong(
        {"net:link": Delta(insert=[(8, 9)])}, policies=[Policy("x", "t(x, y) :- net:tag(x).")], error=PolicyError
    ),
    "wrong rows with a right policy": Wrong(
        {"net:link": Delta(insert=[(8,)])}, policies=[Policy("x", "t(x) :- net:tag(x).")]
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_batch_changes_nothing(wrong: Wrong) -> None:
    """A batch with anything wrong in it is refused with code, cause and mend, by `apply` and by `what_if` alike."""
    engine = loaded()
    before, snapshot = state(engine), engine.snapshot()
    for ask in (engine.what_if, engine.apply):
        with pytest.raises(wrong.error) as raised:
            ask(wrong.changes, policies=wrong.policies, remove=wrong.remove)
        errors = [each for each in raised.value.diagnostics if each.severity == "error"]
        assert errors
        for each in errors:
            assert re.fullmatch(r"CL\d{3}", each.code)
            assert each.message
        assert state(engine) == before
        assert engine.snapshot().count("net_rules:reach") == snapshot.count("net_rules:reach")
    # And the next batch is right.
    assert net(engine.apply({"net:link": Delta(insert=[(3, 4)])})["net_rules:reach"])[0] == {(1, 4), (2, 4), (3, 4)}


@pytest.mark.parametrize("name", [name for name, wrong in WRONG.items() if wrong.error is SourceError])
def test_a_wrong_row_has_a_hint(name: str) -> None:
    """An error about rows names the table and says what to do."""
    wrong = WRONG[name]
    if any(isinstance(each, str) for each in wrong.policies):
        return
    with pytest.raises(SourceError) as raised:
        loaded().apply(wrong.changes, policies=wrong.policies)
    for found in raised.value.diagnostics:
        assert found.hint
        assert any(f"`{table}`" in found.message for table in wrong.changes)


PRODUCT = Policy("p", "t(a, b) :- net:tag(a), net:tag(b).")
MEGABYTE = 1_000_000


def test_a_batch_that_needs_too_much_changes_nothing() -> None:
    """A batch that memory cannot hold is refused, naming the rule; nothing has changed, and later ones are applied."""
    engine = loaded(PRODUCT, memory_limit=MEGABYTE)
    before = state(engine)
    many = Delta(insert=[(number,) for number in range(2, 3_000)])
    for ask in (engine.what_if, engine.apply, engine.apply):
        with pytest.raises(EvaluationError, match="CL501"):
            ask({"net:tag": many, "net:link": Delta(insert=[(8, 9)])})
        assert state(engine) == before
    assert net(engine.apply({"net:tag": Delta(insert=[(2,)])})["p:t"])[0] == {
        (a, b) for a in ("x", 1, 2) for b in ("x", 1, 2) if 2 in (a, b)
    }


def test_memory_is_given_back() -> None:
    """What batches take is given back as its rows go: many batches may hold one after the other what one may hold."""
    engine = loaded(PRODUCT, memory_limit=2 * MEGABYTE)
    some = [(number,) for number in range(2, 120)]
    for _ in range(60):
        assert len(engine.apply({"net:tag": Delta(insert=some)})["p:t"].insert) == 120 * 120 - 4
        assert len(engine.apply({"net:tag": Delta(delete=some)})["p:t"].delete) == 120 * 120 - 4
        engine.what_if({"net:tag": Delta(insert=some)})


def test_a_recursion_without_end_changes_nothing() -> None:
    """A batch that sets off a recursion without end is stopped, changes nothing, and later batches are applied."""
    policy = Policy("p", "t(a) :- net:link(a, _). t(y) :- t(x), x > 100, y = x + 1.")
    engine = loaded(policy, max_rounds=50)
    before = state(engine)
    for ask in (engine.what_if, engine.apply):
        with pytest.raises(EvaluationError, match="CL502"):
            ask({"net:link": Delta(insert=[(101, 1), (5, 5)])})
        assert state(engine) == before
    assert net(engine.apply({"net:link": Delta(insert=[(100, 1)])})["p:t"]) == ({(100,)}, set())


# -- keys ---------------------------------------------------------------------------------------------------------

KEYED = TableSchema("net:link", (Column("a", Type.INT), Column("b", Type.INT)), key=("a",))


def test_a_broken_key_is_no_harm() -> None:
    """Rows that break a declared key count as they are: two rows of one key are two rows, until one of them goes."""
    policy = Policy("p", "t(a, b) :- net:link(a, b). u(a, count(b)) :- net:link(a, b). v(b) :- net:link(1, b).")
    engine = Engine.load([policy], {"net:link": RowsTable(KEYED, [(1, 2), (2, 3)])})
    broken = engine.apply({"net:link": Delta(insert=[(1, 5)])})
    assert net(broken["p:t"]) == ({(1, 5)}, set())
    assert net(broken["p:u"]) == ({(1, 2)}, {(1, 1)})
    assert net(broken["p:v"]) == ({(5,)}, set())
    mended = engine.apply({"net:link": Delta(delete=[(1, 2)])})
    assert net(mended["p:t"]) == (set(), {(1, 2)})
    assert net(mended["p:u"]) == ({(1, 1)}, {(1, 2)})
    assert net(mended["p:v"]) == (set(), {(2,)})


def test_a_key_that_changes_its_value() -> None:
    """The row of a key may be replaced in one batch, by any number of steps."""
    engine = Engine.load(
        [Policy("p", "t(a, c) :- net:link(a, b), net:link(b, c).")], {"net:link": RowsTable(KEYED, [(1, 2), (2, 3)])}
    )
    for to in range(4, 30):
        changes = engine.apply({"net:link": Delta(insert=[(2, to)], delete=[(2, to - 1)])})
        assert net(changes["p:t"]) == ({(1, to)}, {(1, to - 1)})


@pytest.mark.parametrize("engine", ["reference", "duckdb"])
def test_only_the_columnar_engine_is_kept_current(engine: str) -> None:
    """Other engines say so when they are asked to apply, and answer as before."""
    loaded_ = loaded(Policy("p", "t(a) :- net:link(a, _)."), engine=engine)
    for ask in (loaded_.apply, loaded_.what_if):
        with pytest.raises(TypeError, match="columnar"):
            ask({"net:link": Delta(insert=[(8, 9)])})
    assert loaded_.count("p:t") == 2
