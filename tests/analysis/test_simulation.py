"""Simulation: what steps do, what they do not, and that nobody else sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite import simulate as public
from congresslite.analysis.documents import simulation_document
from congresslite.analysis.outcome import Simulation
from congresslite.analysis.simulation import simulate
from congresslite.api import Engine, Policy
from congresslite.diagnostics import PolicyError, Source
from congresslite.schema import Column, Delta, Row, RowsTable
from tests.analysis.estate import BROKEN, OWNERS, ROWS, SCHEMAS, SLOW, engine, policy
from tests.examples import few

ACTIONS = policy(
    "actions",
    "inv:vm-(id=v) :- nova:migrate(v, h), inv:host(id=h).",
    "inv:vm+(v, f, h) :- nova:migrate(v, h), inv:vm(id=v, vnf=f), inv:host(id=h).",
    "inv:vm-(id=v) :- nova:stop(v).",
    "inv:vm-(_, f, _) :- vnfm:terminate(f).",
    "inv:vnf-(id=f) :- vnfm:terminate(f).",
    "inv:vnf-(id=f) :- vnfm:heal(f). inv:vnf+(f, n, \"ACTIVE\") :- vnfm:heal(f), inv:vnf(id=f, ns=n).",
    "inv:host+(h, \"ssd\") :- dc:add(h).",
    "inv:vm-(id=v) :- swap(v, w). inv:vm-(id=w) :- swap(v, w).",
    "inv:vm+(v, f, h) :- swap(v, w), inv:vm(id=v, vnf=f), inv:vm(id=w, host=h).",
    "inv:vm+(w, f, h) :- swap(v, w), inv:vm(id=w, vnf=f), inv:vm(id=v, host=h).",
    "load(h, count(v)) :- inv:vm(id=v, host=h).",
    "load+(h, 1) :- drain(h).",
    "@id(\"rebuild\") execute[nova:rebuild(v)] :- inv:vm(id=v, host=\"nowhere\").",
)  # fmt: skip


def live() -> Engine:
    """The estate with two policies and the actions."""
    return engine(SLOW, BROKEN, ACTIONS)


def run(*steps: str) -> Simulation:
    """A simulation over the estate."""
    return simulate(live(), steps, owners=OWNERS)


def document(*steps: str) -> dict[str, Any]:
    """The document of a simulation over the estate."""
    return simulation_document(run(*steps))


def parts(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each part of each step did."""
    return [part for step in told["steps"] for part in step["parts"]]


def moved(told: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The objects whose violations come and go."""
    return [each["object"] for each in told["new"]], [each["object"] for each in told["resolved"]]


def test_the_package_offers_it() -> None:
    """`congresslite.simulate` is this function."""
    assert public is simulate


def test_an_action_does_what_policies_declare() -> None:
    """Rows go and come by its effects, all evaluated in the state before, and violations with them."""
    told = document('nova:migrate("fw-a", "h2")')
    (part,) = parts(told)
    assert (part["result"], part["kind"]) == ("done", "action")
    assert part["rows"] == [
        {"table": "inv:vm", "insert": [{"id": "fw-a", "vnf": "fw", "host": "h2"}],
         "delete": [{"id": "fw-a", "vnf": "fw", "host": "h1"}]}
    ]  # fmt: skip
    assert moved(told["violations"]) == ([], ["fw-a"])
    assert told["violations"]["resolved"][0]["service"] == "data"


def test_steps_follow_each_other() -> None:
    """Each step starts from what those before it have left, and the end is told as a whole."""
    told = document('inv:host+("h9", "hdd")', 'migrate("ims-b", "h9")', 'migrate("ims-b", "h2")', 'inv:vm-(host="h1")')
    assert [moved(step["violations"])[0] for step in told["steps"]] == [[], ["ims-b"], [], []]
    assert moved(told["steps"][2]["violations"]) == ([], ["ims-b"])
    assert told["violations"]["totals"] == {"new": 0, "resolved": 4, "unchanged": 3}


def test_all_effects_see_the_state_before() -> None:
    """Two machines change places, though each needs to know where the other one was."""
    told = document('swap("ims-a", "ims-b")')
    (rows,) = parts(told)[0]["rows"]
    assert {row["id"]: row["host"] for row in rows["insert"]} == {"ims-a": "h2", "ims-b": "h1"}


def test_an_insert_wins() -> None:
    """A row that goes and comes by one action stays, so nothing has been done."""
    told = document('nova:migrate("ims-a", "h1")')
    assert [(part["result"], part["rows"]) for part in parts(told)] == [("nothing", [])]


@pytest.mark.parametrize(
    "step",
    ['inv:host-(id="h2") & inv:host+("h2", "nvme")', 'inv:host+("h2", "nvme") & inv:host-(id="h2")'],
    ids=["as it is meant", "the other way round"],
)
def test_a_row_that_is_exchanged_comes_whatever_stands_first(step: str) -> None:
    """In one step rows go and then rows come: the new one is there at the end, and nothing competes."""
    told = document(step, 'inv:host-(disk="nvme")')
    assert [part["result"] for part in parts(told)] == ["done", "done", "done"]
    assert told["steps"][0]["incompatible"] == []
    assert "CL319" not in [each["code"] for each in told["findings"]]


def test_nothing_changes() -> None:
    """The engine is as it was, whatever was simulated."""
    estate = live()
    before = {table: sorted(estate.rows(table), key=repr) for table in (*estate.tables(), "inv:vm", "inv:host")}
    simulate(estate, ['vnfm:terminate("ims")', 'inv:host-(id="h1")'])
    assert before == {table: sorted(estate.rows(table), key=repr) for table in before}


@pytest.mark.parametrize(
    ("step", "result", "words"),
    [
        ('nova:stop("nobody")', "nothing", 'unknown object: `inv:vm` has no row with id="nobody"'),
        ('nova:migrate("ims-a", "h7")', "nothing", 'unknown object: `inv:host` has no row with id="h7"'),
        ('nova:rebuild("ims-a")', "no_effect_model", "no policy says what `nova:rebuild` does"),
        ('nova:stopp("ims-a")', "no_effect_model", "did you mean `nova:stop`?"),
        ('dc:add("h2")', "nothing", "its effects change nothing in this state"),
        ('inv:host+("h1", "hdd")', "nothing", "the row is there already"),
        ('inv:vm-(id="nobody")', "nothing", "there is no such row"),
    ],
    ids=["object", "another object", "no effects", "unknown action", "no change", "row there", "no row"],
)
def test_what_does_nothing_says_why(step: str, result: str, words: str) -> None:
    """An action without effects is no success, and whatever else does nothing says the reason."""
    told = document(step)
    (part,) = parts(told)
    assert part["result"] == result
    assert words in part["message"]
    assert [each["code"] for each in told["findings"]] == ["CL317" if result == "no_effect_model" else "CL316"]
    assert told["violations"]["totals"]["new"] == told["violations"]["totals"]["resolved"] == 0


def test_rows_that_break_a_key_are_left_out() -> None:
    """A second row for a key is told, and not applied."""
    told = document('inv:host+("h1", "ssd")', 'inv:vm-(id="lb-a")')
    (broken,) = parts(told)[0]["broken"]
    assert (broken["breaks"], broken["row"]) == ("key", {"id": "h1", "disk": "ssd"})
    assert [each["code"] for each in told["findings"]] == ["CL318"]
    assert moved(told["violations"]) == ([], ["lb-a"])


def test_what_an_effect_may_not_add_leaves_the_old_row() -> None:
    """Where the row that would come is of a wrong type, the one that it would have replaced stays."""
    wrong = policy("wrong", "inv:vm-(id=v) :- number(v). inv:vm+(v, f, 5) :- number(v), inv:vm(id=v, vnf=f).")
    told = simulation_document(simulate(engine(SLOW, wrong), ['number("fw-a")']))
    (part,) = parts(told)
    assert (part["result"], part["rows"]) == ("nothing", [])
    assert [(each["breaks"], each["row"]["host"]) for each in part["broken"]] == [("type", 5)]


def test_a_row_that_refers_to_nothing_is_told() -> None:
    """It is applied as it is, as it would be if a source said it."""
    told = document('inv:vm+("new", "ims", "h7")')
    assert [each["code"] for each in told["findings"]] == ["CL433"]
    assert parts(told)[0]["result"] == "done"


def test_rows_whose_reference_went_are_told() -> None:
    """Removing a row that others refer to is no mere gain: what refers to nothing any more is named."""
    told = document('inv:host-(id="h1")')
    (found,) = [each for each in told["findings"] if each["code"] == "CL433"]
    assert found["message"] == '"h1" in `inv:vm.host` is not in `inv:host.id`'
    assert document('inv:host-(id="h1")', 'inv:vm-(host="h1")')["findings"] == []


def test_effects_on_derived_tables_are_left_out() -> None:
    """What rules derive cannot be changed, and that is said."""
    (part,) = parts(document('drain("h1")'))
    assert part["result"] == "nothing"
    assert part["notes"] == ["what it does to `actions:load` is left out: only rows of sources change"]


EFFECTS = {
    "a disjunction": (
        'inv:host-(id=h) :- a(x), inv:host(id=h, disk=d), (d = x) or (h = x).', 'a("h1")', [], [("h1", "hdd")],
    ),
    "a negation": ('inv:host-(id=h) :- a(), inv:host(id=h), not inv:vm(host=h, vnf="lb").', "a()", [], [("h2", "ssd")]),
    "a constant of the action": ('inv:host-(id=h) :- a(h, "now"), inv:host(id=h).', 'a("h1", "later")', [], []),
    "a term twice": ('inv:host+(x, "ssd") :- a(x, x).', 'a("new", "old")', [], []),
    "no terms": ('inv:host+("new", null) :- a().', "a()", [("new", None)], []),
    "values of other kinds": ("inv:host+(x, y) :- a(x, y), y != 1.", "a(true, 1.5)", [(True, 1.5)], []),
    "true is not 1": ("inv:host+(x, y) :- a(x, y), y != 1.", 'a("n", true)', [("n", True)], []),
    "what is calculated": ('inv:host+(x + "-b", 2 * n) :- a(x, n).', 'a("h", 4)', [("h-b", 8)], []),
    "violations": ("inv:host-(id=h) :- a(), slow:error(_, h).", "a()", [], [("h1", "hdd")]),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "step", "came", "went"), EFFECTS.values(), ids=EFFECTS.keys())
def test_whatever_a_body_may_say(rule: str, step: str, came: list[Row], went: list[Row]) -> None:
    """The body of an effect is that of any rule."""
    loose = replace(SCHEMAS["inv:host"], columns=tuple(Column(name) for name in ("id", "disk")))
    data = {name: RowsTable(loose if name == "inv:host" else schema, ROWS[name]) for name, schema in SCHEMAS.items()}
    estate = Engine.load([SLOW, policy("effects", rule)], data)
    rows = simulate(estate, [step]).steps[0].parts[0].rows.get("inv:host", Delta())
    assert (list(rows.insert), list(rows.delete)) == (came, went)


def test_tables_of_effects_stay() -> None:
    """A table that effects read or change cannot be taken from an engine."""
    for rule in ("inv:host-(id=h) :- a(h).", "inv:vm-(id=v) :- a(v, h), inv:host(id=h)."):
        with pytest.raises(PolicyError, match="CL456"):
            engine(policy("effects", rule)).detach(["inv:host"])


def test_what_is_done_at_once() -> None:
    """Parts of a step that write different rows see the same state."""
    told = document('inv:host-(id="h2") & nova:migrate("fw-a", "h2")')
    assert [(part["result"], part["turn"]) for part in parts(told)] == [("done", 1), ("done", 1)]
    assert told["steps"][0]["incompatible"] == []


def test_what_writes_the_same_row_is_not_merged() -> None:
    """It is told, and run one after the other; whatever else the later one writes waits with it."""
    told = document('nova:stop("fw-a") & nova:migrate("fw-a", "h2") & dc:add("h8")')
    first, second, third = parts(told)
    assert [first["turn"], second["turn"], third["turn"]] == [1, 2, 1]
    assert (first["result"], second["result"], third["result"]) == ("done", "nothing", "done")
    (clash,) = told["steps"][0]["incompatible"]
    assert (clash["table"], clash["columns"], list(clash["key"])) == ("inv:vm", ["id"], ["fw-a"])
    assert "CL319" in [each["code"] for each in told["findings"]]


def test_several_turns_are_one_step() -> None:
    """What came in one turn of a step and went in the next has never been there."""
    told = document('inv:vm+("x", "ims", "h1") & nova:stop("x")', 'migrate("fw-a", "h2") & migrate("fw-a", "h1")')
    assert [step["violations"]["totals"]["new"] for step in told["steps"]] == [1, 0]
    assert moved(told["steps"][1]["violations"]) == ([], [])


def test_blocking_violations_are_counted() -> None:
    """Those of `error` rules at the end, but of policies that are only tried out."""
    assert run('inv:vm+("x", "ims", "h1")').blocking == 1
    tried = Policy("slow", SLOW.text.replace("policy slow", 'policy slow(mode = "dryrun")'), "slow.dl")
    assert simulate(engine(tried), ['inv:vm+("x", "ims", "h1")']).blocking == 0


# -- reading -------------------------------------------------------------------------------------

WRONG = {
    "nothing": ("", "CL310", ""),
    "a comment only": ("# later", "CL310", ""),
    "beside &": ('stop("a") & ', "CL310", ""),
    "a rule": ("p(x) :- q(x)", "CL310", "p(x) :- q(x)"),
    "a permission": ('permit[nova:stop("a")]', "CL310", 'permit[nova:stop("a")]'),
    "several": ('stop("a"). stop("b")', "CL310", 'stop("a"). stop("b")'),
    "a table without a sign": ('inv:host("h9")', "CL310", 'inv:host("h9")'),
    "a variable": ("nova:stop(vm1)", "CL311", "vm1"),
    "a sum": ("nova:stop(1 + 2)", "CL311", "1 + 2"),
    "anything, of an action": ("nova:stop(_)", "CL311", "_"),
    "an unknown table": ('inv:hots+("h9")', "CL312", "inv:hots+"),
    "a derived table": ('actions:load+("h9", 1)', "CL312", "actions:load+"),
    "an unknown column": ('inv:host+(name="h9")', "CL103", "name"),
    "too many terms": ('inv:host+("h9", "ssd", 1)', "CL105", "1"),
    "no key": ('inv:host+(disk="ssd")', "CL313", 'inv:host+(disk="ssd")'),
    "too few terms": ('nova:migrate("a")', "CL314", 'nova:migrate("a")'),
    "named terms": ('nova:stop(vm="a")', "CL314", 'vm="a"'),
    "a wrong type": ("inv:host+(5)", "CL315", "5"),
    "an open string": ('nova:stop("a', "CL004", '"a'),
}


@pytest.mark.parametrize(("text", "code", "place"), WRONG.values(), ids=WRONG.keys())
def test_wrong_steps(text: str, code: str, place: str) -> None:
    """What is no step is told with its place, before anything is run."""
    with pytest.raises(PolicyError) as caught:
        run('nova:stop("lb-a")', text)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.span is not None and found.span.text == place
    assert found.span.source.name == "step 2"


def test_everything_wrong_is_told_at_once() -> None:
    """All steps are read before the first is run, each line of a text by itself."""
    with pytest.raises(PolicyError) as caught:
        simulate(live(), [Source("plan.txt", '# plan\nnova:stop(a)\n\nnova:stop("b") // fine\ninv:hots-(id="c")\n')])
    assert [str(each.span) for each in caught.value.diagnostics] == ["plan.txt:2:11", "plan.txt:5:1"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('migrate("a", "b")', 'nova:migrate("a", "b")'),
        ('execute[nova:stop("a")].', 'nova:stop("a")'),
        ('host+(disk="ssd", id="h9")', 'inv:host+(id="h9", disk="ssd")'),
        ('inv:host+("h9")', 'inv:host+(id="h9", disk=null)'),
        ('inv:vm-(_, "ims")', 'inv:vm-(vnf="ims")'),
        ('inv:vm-()', "inv:vm-()"),
        ('nova:stop("a & b") & nova:stop(\'# c\')  # both', 'nova:stop("a & b") & nova:stop("# c")'),
    ],
)  # fmt: skip
def test_how_steps_are_read(text: str, meant: str) -> None:
    """A step is told as the language writes it, with full names."""
    assert [step.text for step in run(text).steps] == [meant]


# -- the same as doing it ------------------------------------------------------------------------


@dataclass
class Model:
    """The estate in plain Python: machines (function, host), hosts and functions by key."""

    vm: dict[str, tuple[str, str]] = field(default_factory=lambda: {i: (f, h) for i, f, h in ROWS["inv:vm"]})  # type: ignore[misc]
    host: dict[str, str] = field(default_factory=lambda: dict(ROWS["inv:host"]))  # type: ignore[arg-type]

    def writes(self, step: tuple[str, ...], now: Model) -> dict[tuple[str, str], Any]:
        """What a part makes of the rows by key in this state; None for a row that goes."""
        match step:
            case ("migrate", vm, host) if vm in now.vm and host in now.host:
                return {("vm", vm): (now.vm[vm][0], host)}
            case ("migrate", vm, host) if host in now.host:
                return {}
            case ("stop", vm) if vm in now.vm:
                return {("vm", vm): None}
            case ("come", host, disk):
                return {("host", host): disk if now.host.get(host, disk) == disk else now.host[host]}
            case ("go", host) if host in now.host:
                return {("host", host): None}
            case ("empty", host):
                return {("vm", vm): None for vm, (_, at) in now.vm.items() if at == host}
        return {}

    def take(self, parts: Iterable[tuple[str, ...]]) -> None:
        """Do what can be done at once, and then the rest."""
        left = list(parts)
        while left:
            now, written, waiting = replace(self, vm=dict(self.vm), host=dict(self.host)), dict[Any, Any](), []
            touched: set[Any] = set()
            going = {key for part in left if part[0] in ("go", "empty") for key in self.writes(part, now)}
            for part in left:
                keys = self.writes(part, now)
                if part[0] == "come" and going & keys.keys():
                    waiting.append(part)
                    continue
                if touched & keys.keys():
                    waiting.append(part)
                else:
                    written |= keys
                touched |= keys.keys()
            for (table, key), row in written.items():
                rows: dict[str, Any] = getattr(self, table)
                if row is None:
                    del rows[key]
                else:
                    rows[key] = row
            left = waiting

    def rows(self) -> dict[str, list[Row]]:
        """The tables."""
        vms: list[Row] = [(key, *row) for key, row in self.vm.items()]
        return {**ROWS, "inv:vm": vms, "inv:host": list(self.host.items())}


def text(part: tuple[str, ...]) -> str:
    """A part as a step writes it."""
    said = ", ".join(f'"{each}"' for each in part[1:])
    return {
        "migrate": f"nova:migrate({said})",
        "stop": f"nova:stop({said})",
        "come": f"inv:host+({said})",
        "go": f"inv:host-({said})",
        "empty": f"inv:vm-(host={said})",
    }[part[0]]


VMS, HOSTS = st.sampled_from(["ims-a", "ims-b", "fw-a", "none"]), st.sampled_from(["h1", "h2", "h3"])
PARTS = st.one_of(
    st.tuples(st.just("migrate"), VMS, HOSTS),
    st.tuples(st.just("stop"), VMS),
    st.tuples(st.just("come"), HOSTS, st.sampled_from(["hdd", "ssd"])),
    st.tuples(st.just("go"), HOSTS),
    st.tuples(st.just("empty"), HOSTS),
)


@few(150)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=3), min_size=1, max_size=6))
def test_simulating_is_as_doing_it(steps: list[list[tuple[str, ...]]]) -> None:
    """The violations at the end are those of a fresh engine over the rows that there would be."""
    model = Model()
    for step in steps:
        model.take(step)
    estate = live()
    found = simulate(estate, [" & ".join(map(text, step)) for step in steps], limit=1000)
    before = {(each.policy, each.rule, each.row) for each in estate.violations()}
    new = {(each["policy"], each["rule"], tuple(each["row"])) for each in found.impact.new}
    gone = {(each["policy"], each["rule"], tuple(each["row"])) for each in found.impact.resolved}
    after = engine(SLOW, BROKEN, ACTIONS, rows=model.rows()).violations()
    assert (before | new) - gone == {(each.policy, each.rule, each.row) for each in after}
