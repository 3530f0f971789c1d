"""Conflicts that policies make over small tables: which there are, who wins, and what becomes of the commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from congresslite.api import Delta, Engine, Policy
from congresslite.diagnostics import PolicyError
from congresslite.engine.explanation.documents import as_json
from congresslite.language.program import PolicySettings
from congresslite.policy.conflicts import ForeignRule
from congresslite.schema import Column, RowsTable, TableSchema, Type

VM = TableSchema("inv:vm", (Column("id", Type.STR), Column("host", Type.STR), Column("load", Type.INT)), ("id",))
MODAL = TableSchema(
    "pop_a:modal", tuple(Column(name, Type.STR) for name in ("engine", "policy", "rule", "says", "a1", "a2"))
)
ROWS = [("vm1", "h1", 10), ("vm2", "h1", 90), ("vm3", "h2", 50)]


def engine_of(
    *policies: str,
    foreign: tuple[ForeignRule, ...] = (),
    modal: tuple[tuple[str, ...], ...] = (),
    engine: str = "columnar",
) -> Engine:
    """An engine with policies `a`, `b`, … over three machines."""
    given = [Policy(name, text) for name, text in zip("abcd", policies, strict=False)]
    tables = {"inv:vm": RowsTable(VM, ROWS), "pop_a:modal": RowsTable(MODAL, list(modal))}
    return Engine.load(given, tables, foreign=foreign, engine=engine)


def told(engine: Engine) -> list[tuple[str, str, str, str | None]]:
    """Each conflict: its kind, its object, who wins, and by what."""
    found = []
    for each in engine.snapshot().conflicts():
        winner = "" if each.winner is None else f"{each.sides[each.winner].policy}/{each.sides[each.winner].rule}"
        found.append((each.kind, str(each.object), winner, each.by))
    return sorted(found)


STOP = '@id("stop") execute[nova:stop(v)] :- inv:vm(id=v, load=n), n > 60.'
DENY = '@id("no") deny[nova:stop(v)] :- inv:vm(id=v, host="h1").'

CASES: dict[str, tuple[tuple[str, ...], list[tuple[str, str, str, str | None]]]] = {
    "execute against deny": ((STOP, DENY), [("modality", "vm2", "b/no", "deny")]),
    "permit against deny": (
        ('@id("p") permit[nova:stop(v)] :- inv:vm(id=v, host="h2").', '@id("d") deny[nova:stop(v)] :- inv:vm(id=v).'),
        [("modality", "vm3", "a/p", "specificity")],
    ),
    "require against forbid": (
        ('@id("r") require[up(v)] :- inv:vm(id=v).', '@id("f") forbid[up(v)] :- inv:vm(id=v, host=h), h = "h2".'),
        [("modality", "vm3", "b/f", "specificity")],
    ),
    "require beside permit": (("require[up(v)] :- inv:vm(id=v).", "permit[up(v)] :- inv:vm(id=v)."), []),
    "incompatible, and only required": (
        ("incompatible up(v), down(v).\nrequire[up(v)] :- inv:vm(id=v).", "require[down(v)] :- inv:vm(id=v)."), [],
    ),
    "another action": ((STOP, 'deny[nova:start(v)] :- inv:vm(id=v, host="h1").'), []),
    "another arity": ((STOP, "deny[nova:stop(v, h)] :- inv:vm(id=v, host=h)."), []),
    "constants that never meet": (
        ('execute[nova:stop("vm1")] :- inv:vm(id=v).', 'deny[nova:stop("vm2")] :- inv:vm(id=v).'), [],
    ),
    "within one policy": ((f"{STOP}\n{DENY}",), [("modality", "vm2", "a/no", "deny")]),
    "hard beats soft": (
        (f"{STOP}", f"@weight(3) {DENY}"), [("modality", "vm2", "a/stop", "hardness")],
    ),
    "the upper tier wins": (
        (f'policy a(tier = "pop", priority = 9).\n{DENY}', STOP), [("modality", "vm2", "b/stop", "tier")],
    ),
    "an overridable one does not win by its tier": (
        (f'policy a(tier = "pop", priority = 9).\n{DENY}', f"policy b(overridable = true).\n{STOP}"),
        [("modality", "vm2", "a/no", "priority")],
    ),
    "the higher priority wins": (
        (f"policy a(priority = 5).\n{STOP}", DENY), [("modality", "vm2", "a/stop", "priority")],
    ),
    "incompatible actions": (
        ('incompatible nova:stop(v), nova:start(v).\n' + STOP,
         '@id("go") execute[nova:start(v)] :- inv:vm(id=v, host="h1").'),
        [("action", "vm2", "", None)],
    ),
    "incompatible actions with a priority": (
        ('incompatible nova:stop(v), nova:start(v).\n' + STOP,
         'policy b(priority = 1).\n@id("go") execute[nova:start(v)] :- inv:vm(id=v, host="h1").'),
        [("action", "vm2", "b/go", "priority")],
    ),
    "one action on two hosts": (
        ('incompatible nova:move(v, a), nova:move(v, b).\n'
         '@id("m") execute[nova:move(v, h)] :- inv:vm(id=v), inv:vm(host=h).',),
        [("action", vm, "", None) for vm in ("vm1", "vm2", "vm3")],
    ),
    "two values": (
        ('functional qos(v -> c).\n@id("g") qos(v, "gold") :- inv:vm(id=v).', ""), [],
    ),
    "two values of one attribute": (
        ('functional qos(v -> c).\n@id("g") qos(v, "gold") :- inv:vm(id=v).\n'
         '@id("s") qos(v, "silver") :- inv:vm(id=v, load=n), n < 20.',),
        [("value", "vm1", "a/s", "specificity")],
    ),
    "a value against itself": (
        ('functional home(h -> v).\n@id("h") home(h, v) :- inv:vm(id=v, host=h).',), [("value", "h1", "", None)],
    ),
    "facts against a rule": (
        ('functional qos(v -> c).\nqos("vm3", "silver").\n@id("g") qos(v, "gold") :- inv:vm(id=v).',),
        [("value", "vm3", "", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["columnar", "reference", "duckdb"])
@pytest.mark.parametrize(("policies", "expected"), CASES.values(), ids=CASES)
def test_conflicts(policies: tuple[str, ...], expected: list[tuple[str, str, str, str | None]], engine: str) -> None:
    """Each kind of conflict is found once, decided by the first criterion that applies, on each engine."""
    assert told(engine_of(*policies, engine=engine)) == sorted(expected)


def test_the_order_of_arrival_decides_nothing() -> None:
    """Whoever comes first, the same side wins, and the conflict has the same id."""
    one, other = Policy("x", f"policy x(priority = 2).\n{STOP}"), Policy("y", DENY)
    tables = {"inv:vm": RowsTable(VM, ROWS)}
    first, second = (Engine.load(each, tables).snapshot().conflicts() for each in ([one, other], [other, one]))
    assert [replace(each, table="") for each in first] == [replace(each, table="") for each in second]


def decisions(engine: Engine) -> dict[tuple[str, str | None], str]:
    """The decision about each command, by action and object."""
    return {(each.action, each.object): each.decision for each in engine.snapshot().commands()}


def test_commands_are_run_overruled_or_tied() -> None:
    """A command that loses is overruled; of two that nothing decides between neither is run; all others are."""
    engine = engine_of(
        f"incompatible nova:go(v), nova:heal(v).\n{STOP}",
        DENY,
        '@id("go") execute[nova:go(v)] :- inv:vm(id=v).',
        '@id("heal") execute[nova:heal(v)] :- inv:vm(id=v, host="h2").',
    )
    assert decisions(engine) == {
        ("nova:stop", "vm2"): "overruled",
        ("nova:go", "vm1"): "run",
        ("nova:go", "vm2"): "run",
        # The rule that heals is the more special one.
        ("nova:go", "vm3"): "overruled",
        ("nova:heal", "vm3"): "run",
    }


def test_tied_commands_are_a_violation() -> None:
    """Two actions that nothing decides between are a violation of policy `conflict`, and neither is run."""
    engine = engine_of(*CASES["incompatible actions"][0])
    assert [(each.policy, each.kind, each.object) for each in engine.violations()] == [("conflict", "error", "vm2")]
    assert decisions(engine)["nova:stop", "vm2"] == "tied"
    assert decisions(engine)["nova:start", "vm2"] == "tied"
    assert decisions(engine)["nova:start", "vm1"] == "run"


def test_each_side_is_explained() -> None:
    """A conflict tells why each of its sides holds, down to the rows of the source."""
    snapshot = engine_of(STOP, DENY).snapshot()
    (found,) = snapshot.conflicts()
    first, second = snapshot.explain_sides(found)
    assert first is not None
    assert second is not None
    assert found.sides[0].table == "a:execute[nova:stop]"
    assert all(any("inv:vm" in str(step) for step in as_json(proof)["steps"]) for proof in (first, second))


def test_conflicts_follow_rows_and_policies() -> None:
    """A conflict comes and goes with rows, and who wins changes with a policy, without a new evaluation."""
    engine = engine_of(STOP, DENY)
    changes = engine.apply({"inv:vm": Delta(insert=[("vm4", "h1", 70)], delete=[("vm2", "h1", 90)])})
    assert len(changes["conflict:modality"].insert) == 1
    assert len(changes["conflict:modality"].delete) == 1
    assert told(engine) == [("modality", "vm4", "b/no", "deny")]
    known = [each.id for each in engine.snapshot().conflicts()]
    changes = engine.apply(policies=[Policy("a", f"policy a(priority = 5).\n{STOP}")])
    assert told(engine) == [("modality", "vm4", "a/stop", "priority")]
    assert [each.id for each in engine.snapshot().conflicts()] == known
    assert not changes["conflict:modality"]
    engine.apply(remove=["b"])
    assert told(engine) == []


def test_rules_of_other_engines_take_part() -> None:
    """A command of an engine below is against what is denied here, and goes on being so while rows come and go."""
    local = ForeignRule(
        engine="pop_a", policy=PolicySettings("healing", tier="pop"), rule="heal", modal="execute",
        atom="nova:stop", arity=1, hard=True, table="pop_a:modal",
    )  # fmt: skip
    row = ("pop_a", "healing", "heal", "execute[nova:stop]", "vm1", "")
    engine = engine_of(DENY, foreign=(local,), modal=(row,))
    assert told(engine) == [("modality", "vm1", "a/no", "tier")]
    (found,) = engine.snapshot().conflicts()
    assert {side.engine for side in found.sides} == {"", "pop_a"}
    engine.apply({"pop_a:modal": Delta(delete=[row])})
    assert told(engine) == []
    engine.apply({"pop_a:modal": Delta(insert=[row])})
    engine.oppose([])
    assert told(engine) == []
    engine.oppose([local])
    assert told(engine) == [("modality", "vm1", "a/no", "tier")]


REFUSED = {
    "a policy called conflict": ("policy conflict().\nt(v) :- inv:vm(id=v).", "CL301"),
    "nothing in common": (f"incompatible nova:stop(v), nova:start(w).\n{STOP}", "CL302"),
}


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, code: str) -> None:
    """What could not be told apart from conflicts, or could never contradict, is refused with a mend."""
    with pytest.raises(PolicyError) as caught:
        engine_of(text, '@id("go") execute[nova:start(v)] :- inv:vm(id=v).')
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert all(each.hint for each in caught.value.diagnostics)
