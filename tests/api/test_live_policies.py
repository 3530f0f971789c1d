"""Policies that are added, replaced and removed while the engine lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from congresslite import Delta, Policy
from tests.api.links import loaded, net


def test_policies_are_added_replaced_and_removed() -> None:
    """Policies come and go by name, with their facts; what that changes is told table by table."""
    engine = loaded()
    first = Policy("far", "far(a, b) :- net_rules:reach(a, b), not net:link(a, b). near(7).")
    added = engine.apply(policies=[first])
    assert net(added["far:far"]) == ({(1, 3)}, set())
    assert net(added["far:near"]) == ({(7,)}, set())
    assert added.changed() == ("far:far", "far:near")
    assert "far:far" in engine.tables()
    second = Policy("far", "far(a, b) :- net_rules:reach(a, b), b > 2. wide(a) :- far(a, _).")
    replaced = engine.apply({"net:link": Delta(insert=[(3, 4)])}, policies=[second])
    assert net(replaced["far:far"]) == ({(2, 3), (1, 4), (2, 4), (3, 4)}, set())
    assert net(replaced["far:wide"]) == ({(1,), (2,), (3,)}, set())
    assert net(replaced["far:near"]) == (set(), {(7,)})
    assert "far:near" not in engine.tables()
    with pytest.raises(KeyError):
        engine.rows("far:near")
    removed = engine.apply(remove=["far"])
    assert net(removed["far:far"])[1] == {(1, 3), (2, 3), (1, 4), (2, 4), (3, 4)}
    assert engine.tables() == ("hosts:busy", "hosts:error", "net_rules:reach")
    assert net(engine.apply(policies=first)["far:near"]) == ({(7,)}, set())


def test_a_policy_may_be_a_file(tmp_path: Path) -> None:
    """Policies of a batch are given as those of `load`: paths, folders or objects; and are known by their names."""
    engine = loaded()
    (tmp_path / "x.dl").write_text("policy far(description = 'd'). t(a) :- net:link(a, _).", encoding="utf-8")
    assert net(engine.apply(policies=[tmp_path])["far:t"]) == ({(1,), (2,)}, set())
    (tmp_path / "x.dl").write_text("policy far(description = 'd'). t(b) :- net:link(_, b).", encoding="utf-8")
    assert net(engine.apply(policies=tmp_path / "x.dl")["far:t"]) == ({(3,)}, {(1,)})
    assert engine.apply(remove=["far"]).changed() == ("far:t",)


def test_policies_that_are_put_in_each_others_place() -> None:
    """A table may move from one policy to another in one batch, its readers with it."""
    engine = loaded(Policy("p", "t(a) :- net:link(a, _)."), Policy("q", "u(a) :- p:t(a), a > 1."))
    changes = engine.apply(
        policies=[Policy("r", "t(a) :- net:link(a, _)."), Policy("q", "u(a) :- r:t(a), a > 1.")], remove=["p"]
    )
    assert net(changes["p:t"]) == (set(), {(1,), (2,)})
    assert net(changes["r:t"]) == ({(1,), (2,)}, set())
    assert net(changes["q:u"]) == (set(), set())
    assert net(engine.apply({"net:link": Delta(insert=[(5, 5)])})["q:u"]) == ({(5,)}, set())


def test_a_table_that_becomes_recursive_and_back() -> None:
    """A rule may make a table recursive, or end its recursion; rows that held each other up go with it."""
    engine = loaded(Policy("p", "t(a) :- net:link(a, 2)."))
    both = Policy("p", "t(a) :- net:link(a, 2). t(b) :- t(a), net:link(a, b).")
    assert net(engine.apply(policies=[both])["p:t"]) == ({(2,), (3,)}, set())
    assert net(engine.apply({"net:link": Delta(insert=[(3, 1)], delete=[(1, 2)])})["p:t"]) == (
        set(),
        {(1,), (2,), (3,)},
    )
    assert net(engine.apply({"net:link": Delta(insert=[(3, 2)])})["p:t"]) == ({(3,), (2,), (1,)}, set())
    assert net(engine.apply(policies=[Policy("p", "t(a) :- net:link(a, 2).")])["p:t"]) == (set(), {(2,), (1,)})


def test_a_table_that_changes_its_columns() -> None:
    """A replaced policy may give a table another arity or other types; all its rows go and others come."""
    engine = loaded(Policy("p", "t(a) :- net:link(a, _)."))
    changes = engine.apply(policies=[Policy("p", "t(b, x) :- net:link(_, b), x = b / 2.")])
    assert net(changes["p:t"]) == ({(2, 1.0), (3, 1.5)}, {(1,), (2,)})
    assert engine.schema("p:t").columns[1].type == "float"
    assert net(engine.apply({"net:link": Delta(insert=[(0, 5)])})["p:t"]) == ({(5, 2.5)}, set())


def test_rules_that_stay_are_not_told() -> None:
    """Violations of a rule that stays are not told, though rules before it come and go."""
    rule = "error(a) :- net:link(a, _)."
    engine = loaded(Policy("p", f"{rule}\nerror(b) :- net:link(_, b)."))
    changes = engine.apply(policies=[Policy("p", f"error(a, b) :- net:link(a, b), a > 1.\n{rule}")])
    assert sorted(changes["p:error"].insert) == [(2, 3)]
    assert sorted(changes["p:error"].delete) == [(2,), (3,)]


def test_readers_of_violations_that_stay() -> None:
    """A table that reads violations is not told of those whose rule stays, though rules before it come and go."""
    rules = "seen(x, y) :- error(x, y).\nerror(x, y) :- net:link(x, y)."
    engine = loaded(Policy("p", f"error(a, a) :- net:link(a, a).\n{rules}"))
    assert net(engine.apply(policies=[Policy("p", rules)])["p:seen"]) == (set(), set())
    more = Policy("p", f"error(a, b) :- net:link(b, a).\n{rules}")
    assert net(engine.apply(policies=[more])["p:seen"]) == ({(2, 1), (3, 2)}, set())
    assert net(engine.apply({"net:link": Delta(delete=[(1, 2)])})["p:seen"]) == (set(), {(1, 2), (2, 1)})


def test_the_last_policy_goes() -> None:
    """An engine may be left without policies, and get others."""
    engine = loaded(Policy("p", "t(a) :- net:link(a, _)."))
    assert net(engine.apply({"net:link": Delta(insert=[(9, 9)])}, remove=["p"])["p:t"]) == (set(), {(1,), (2,)})
    assert engine.tables() == ()
    assert net(engine.apply(policies=[Policy("q", "t(b) :- net:link(_, b).")])["q:t"]) == ({(2,), (3,), (9,)}, set())
