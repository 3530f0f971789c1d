"""What executors declare of their actions: known to simulation, to loop detection and to the pre-commit check."""

from __future__ import annotations

import pytest

from congresslite.actions import kinds_of
from congresslite.actions.kinds import EXECUTORS
from congresslite.analysis.declared import USUAL, ActionTarget, declared_tables, with_declared
from congresslite.analysis.effects import Effect
from congresslite.analysis.precommit import Context, precommit
from congresslite.analysis.simulation import simulate
from congresslite.api import Engine, Policy
from congresslite.share import share

STOPS = 'policy off(mode = "enforce").\nexecute[nova:stop(v)] :- nova:servers(id=v, status="ACTIVE").'
STARTS = 'policy on(mode = "enforce").\nexecute[nova:start(v)] :- nova:servers(id=v, status="SHUTOFF").'
OWN = "policy own().\nnova:servers-(id=v) :- nova:stop(v)."


def policy(text: str) -> Policy:
    """A policy of this text."""
    name = text.partition("policy ")[2].partition("(")[0]
    return Policy(name, text, f"{name}.dl")


def engine(*texts: str) -> Engine:
    """The example estate with these policies."""
    return Engine.load([policy(each) for each in texts], share("examples") / "estate")


def server(live: Engine) -> str:
    """The id of a server that runs."""
    return str(live.query('nova:servers(id=v, status="ACTIVE")').rows[0][0])


def test_two_policies_that_undo_each_other_are_found_before_commit() -> None:
    """A policy that starts what another one stops is a certain loop, though no policy says what either action does."""
    report = precommit(engine(STOPS), [policy(STARTS)], context=Context())
    (loop,) = report.loops
    assert (loop.certainty, sorted(loop.actions)) == ("certain", ["nova:start", "nova:stop"])
    assert report.verdict in ("needs_decision", "reject")


def test_simulation_knows_what_actions_do() -> None:
    """A step is simulated by what the executor declares: the row that it changes, and no other column of it."""
    live = engine(STOPS)
    id_ = server(live)
    (step,) = simulate(live, [f'nova:stop("{id_}")']).steps
    assert step.parts[0].result == "done"
    delta = step.parts[0].rows["nova:servers"]
    columns = [column.name for column in live.schema("nova:servers").columns]
    before, after = (dict(zip(columns, row, strict=True)) for (row,) in (delta.delete, delta.insert))
    changed = {name for name in columns if before[name] != after[name]}
    assert (after["status"], after["id"]) == ("SHUTOFF", id_)
    assert changed <= {"status", "vm_state", "power_state"}


def test_what_a_policy_says_of_an_action_holds_alone() -> None:
    """An action that a policy describes does what that says, and nothing else."""
    live = engine(STOPS, OWN)
    (step,) = simulate(live, [f'nova:stop("{server(live)}")']).steps
    delta = step.parts[0].rows["nova:servers"]
    assert (len(delta.insert), len(delta.delete)) == (0, 1)


def test_targets_may_have_names_of_their_own() -> None:
    """What a configuration calls a target by, and the source of its objects, is what its effects speak of."""
    text = STOPS.replace("nova:stop", "lyon:stop")
    live = engine(text)
    assert not with_declared(live.snapshot()).effects
    known = with_declared(live.snapshot(), {"lyon": ActionTarget("openstack", "nova")})
    assert "lyon:stop" in {Effect.of(rule).name for rule in known.effects}


def test_tables_that_effects_speak_of_are_wanted() -> None:
    """The tables behind the effects of commanded actions are read too, so that simulation finds them filled."""
    assert "nova:servers" in declared_tables(engine(STOPS).snapshot(), USUAL)
    assert declared_tables(engine("policy p().\nq(v) :- nova:servers(id=v).").snapshot(), USUAL) == frozenset()


@pytest.mark.parametrize("target", USUAL)
def test_every_declared_effect_fits_the_tables_that_ship(target: str) -> None:
    """Every action whose executor declares effects has them over the tables of the shipped definition."""
    live = engine("policy p().\nq(v) :- nova:servers(id=v).")
    executor = USUAL[target].executor
    known = with_declared(live.snapshot(), USUAL, [f"{target}:x"])
    found = {Effect.of(rule).name.rpartition(":")[2] for rule in known.effects}
    assert found == {kind.name for kind in kinds_of(executor).values() if kind.effects}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_kind_is_whole(executor: str) -> None:
    """Each action has a help text, an inverse that there is, and only its last parameters may be left out."""
    kinds = kinds_of(executor)
    assert kinds
    for kind in kinds.values():
        assert kind.help.endswith(".")
        assert kind.inverse is None or kind.inverse in kinds
        required = [each.required for each in kind.parameters]
        assert required == sorted(required, reverse=True)
    with pytest.raises(KeyError):
        kinds_of("nobody")
