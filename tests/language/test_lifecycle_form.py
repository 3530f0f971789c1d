"""Lifecycle policies in YAML: which rules they are, and where findings about them point."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import Diagnostic, Source
from congresslite.language.check import check_sources
from congresslite.language.format import format_policy
from congresslite.language.lint import lint
from congresslite.language.parser import is_yaml, parse, parse_policy
from congresslite.sources import catalog_of_definitions

CATALOG = catalog_of_definitions()


def rules(text: str) -> str:
    """What a policy means, as rules."""
    file, findings = parse(Source("p.yaml", text))
    assert findings == ()
    return format_policy(file)


def told(text: str) -> list[tuple[str, str]]:
    """The findings about a policy, checks and all: the code, and what is underlined."""
    found = check_sources([Source("p.yaml", text)], CATALOG).diagnostics
    return [(each.code, shown(each)) for each in found]


def shown(finding: Diagnostic) -> str:
    return finding.span.text if finding.span is not None else ""


def action(type_: str, properties: str, *, conditions: str = "[monitoring]", more: str = "") -> str:
    """A policy with one action."""
    return f"""\
policy: p
description: d
conditions: {conditions}
{more}
actions:
  - name: act
    type: {type_}
    properties: {{{properties}}}
"""


OF_ITS_SERVERS = "when: vnfm:vnfc_resources(vnf_instance_id=object, resource_id=s)"

MEANS = {
    "a script at an event": (
        action("SCRIPT", 'script_filename: a.py, "--to": 10.0.0.1', conditions='["LCS::POST_DEPLOY_ALIVE"]'),
        'execute[scripts:run(object, "a.py", "--to", "10.0.0.1")] :-\n'
        '    lifecycle:event(object=object, event="LCS::POST_DEPLOY_ALIVE").',
    ),
    "an option without a value, and one with several": (
        action("SCRIPT", "script_filename: a.py, --force: , -n: [1, x]"),
        'execute[scripts:run(object, "a.py", "--force", "-n", 1, "-n", "x")] :-\n'
        '    lifecycle:stage(object=object, stage="monitoring").',
    ),
    "arguments without a name": (
        action("EXECUTABLE", "executable_filename: bin/a, arguments: [x, 2]"),
        'execute[executables:run(object, "bin/a", "x", 2)] :- lifecycle:stage(object=object, stage="monitoring").',
    ),
    "a request": (
        action("HTTP", 'request: notify, target: hooks, arguments: ["{object}"]'),
        'execute[hooks:notify(object, object)] :- lifecycle:stage(object=object, stage="monitoring").',
    ),
    "a VNF manager": (
        action("VNFM", "operation: scale_out, aspect: workers, steps: 2", conditions="overloaded"),
        'execute[vnfm:scale_out(object, "workers", 2)] :- lifecycle:stage(object=object, stage="overloaded").',
    ),
    "a VIM, and an object that is bound by `when`": (
        action("VIM", 'operation: stop, server: "{s}"', more=OF_ITS_SERVERS),
        "@object(s)\nexecute[nova:stop(s)] :-\n"
        '    lifecycle:stage(object=object, stage="monitoring"),\n'
        "    vnfm:vnfc_resources(vnf_instance_id=object, resource_id=s).",
    ),
    "a cycle": (
        action("SCRIPT", "script_filename: a.py", conditions='["LCS::CYCLE_60_SECONDS"]'),
        'execute[scripts:run(object, "a.py", at)] :-\n'
        '    lifecycle:event(object="*", event="LCS::CYCLE_60_SECONDS", at=at),\n'
        "    lifecycle:stage(object=object, stage=stage),\n"
        '    stage in ["monitoring", "overloaded", "underloaded"].',
    ),
    "a cycle with the time where it is asked for": (
        action(
            "SCRIPT",
            'script_filename: a.py, "--at": "{at}"',
            conditions='["LCS::CYCLE_5_SECONDS"]',
            more="stages: [deploy]",
        ),
        'execute[scripts:run(object, "a.py", "--at", at)] :-\n'
        '    lifecycle:event(object="*", event="LCS::CYCLE_5_SECONDS", at=at),\n'
        "    lifecycle:stage(object=object, stage=stage),\n"
        '    stage in ["deploy"].',
    ),
    "a cycle over objects of one's own": (
        action(
            "VNFM",
            "operation: heal",
            conditions='["LCS::CYCLE_60_SECONDS"]',
            more="stages: []\nwhen: vnfm:vnf_instances(id=object)",
        ),
        'execute[vnfm:heal(object)] :-\n    lifecycle:event(object="*", event="LCS::CYCLE_60_SECONDS"),\n'
        "    vnfm:vnf_instances(id=object).",
    ),
    "a level, and stages in which an event counts": (
        action("SCRIPT", "file: a.py", conditions='["MY::EVENT"]', more="level: group\nstages: [heal]"),
        'execute[scripts:run(object, "a.py")] :-\n'
        '    lifecycle:event(object=object, event="MY::EVENT", level="group"),\n'
        '    lifecycle:stage(object=object, stage=stage, level="group"),\n'
        '    stage in ["heal"].',
    ),
    "since when it is in its stage": (
        action("SCRIPT", 'file: a.py, arguments: ["{at}"]'),
        'execute[scripts:run(object, "a.py", at)] :- lifecycle:stage(object=object, stage="monitoring", since=at).',
    ),
}


@pytest.mark.parametrize(("text", "meant"), MEANS.values(), ids=MEANS.keys())
def test_a_policy_is_the_rules_that_it_means(text: str, meant: str) -> None:
    """Conditions and actions are an ordinary rule, named after the action."""
    made = rules(text)
    assert made.startswith('@id("act") ')
    assert parse_policy(Source("a.dl", made))[0].statements[0] == parse(Source("p.yaml", text))[0].statements[0]
    body = made.replace('@id("act") @object(object)\n', "").replace('@id("act") ', "")
    assert body.split() == meant.split()
    assert told(text) == []
    file, _ = parse(Source("p.yaml", text))
    assert lint([file], None, CATALOG) == ()


def test_each_condition_of_each_action() -> None:
    """Any one of several conditions is enough: a rule for each, and what follows from each."""
    text = """\
policy: p
conditions: [heal, "LCS::DEPLOY_ERR"]
actions:
  - {name: a, type: VNFM, properties: {operation: heal}, moves_to: monitoring}
  - {name: b, type: VIM, properties: {operation: stop}}
"""
    made = rules(text)
    ids = ["a on heal", "a on LCS::DEPLOY_ERR", "b on heal", "b on LCS::DEPLOY_ERR"]
    assert [f'@id("{each}")' in made for each in ids] == [True] * 4
    assert 'lifecycle_after("a on heal", "succeeded", "monitoring", null).' in made
    assert made.count("lifecycle_after(") == 2
    assert told(text) == []


def test_recovery() -> None:
    """A recovery is a table of those who need it, its steps as facts, and a rule for each step."""
    text = """\
policy: p
recovery: {when: 'nova:servers(id=object, status="ERROR")', retries: 2, wait: 30}
"""
    assert (
        rules(text)
        == """\
lifecycle_recover(object) :-
    nova:servers(id=object, status="ERROR"),
    not lifecycle:stage(object=object, stage="update").
lifecycle_recovery(0, "reboot", 2, 30, "LCS::POST_DEPLOY::VM_RECOVERY_ERR").
@id("reboot") @object(object)
execute[nova:reboot(object, "HARD")] :-
    lifecycle:recovery(object=object, policy="p", step="reboot", state="acting"),
    lifecycle_recover(object).
lifecycle_recovery(1, "redeploy", 2, 30, "LCS::POST_DEPLOY::VM_RECOVERY_REDEPLOY_ERR").
@id("redeploy") @object(object)
execute[nova:rebuild(object, image)] :-
    lifecycle:recovery(object=object, policy="p", step="redeploy", state="acting"),
    lifecycle_recover(object),
    nova:servers(id=object, image_id=image),
    image != null.
"""
    )
    assert told(text) == []


HEAL = "{name: a, type: VNFM, properties: {operation: heal}}"
RECOVER = "policy: p\nrecovery: {{when: 'nova:servers(id=object)', {}}}\n"

MISTAKES = {
    "a period of nothing": (
        action("VNFM", "operation: heal", conditions='["LCS::CYCLE_0_SECONDS"]'),
        "CL680",
        '"LCS::CYCLE_0_SECONDS"',
    ),
    "a period that is no number": (
        action("VNFM", "operation: heal", conditions="[LCS::CYCLE_1m_SECONDS]"),
        "CL680",
        "LCS::CYCLE_1m_SECONDS",
    ),
    "no stage": (action("VNFM", "operation: heal", conditions="[Monitoring]"), "CL680", "Monitoring"),
    "no level": (action("VNFM", "operation: heal", more="level: vm"), "CL680", "vm"),
    "a stage that is misspelt": (action("VNFM", "operation: heal", conditions="[monitorin]"), "CL684", "monitorin"),
    "an event that is misspelt": (
        action("VNFM", "operation: heal", conditions="[LCS::POST_DEPLOY_ALIV]"),
        "CL684",
        "LCS::POST_DEPLOY_ALIV",
    ),
    "the event of a stage that is misspelt": (
        action("VNFM", "operation: heal", conditions="[LCS::STAGE::FLAIL]"),
        "CL684",
        "LCS::STAGE::FLAIL",
    ),
    "the event of a stage in lower case": (
        action("VNFM", "operation: heal", conditions="[LCS::STAGE::fail]"),
        "CL684",
        "LCS::STAGE::fail",
    ),
    "a stage to move to that is misspelt": (
        action("VNFM", "operation: heal", conditions="[heal, fail]").rstrip() + "\n    moves_to: monitorng\n",
        "CL684",
        "monitorng",
    ),
    "an unknown type": (action("SHELL", "a: 1"), "CL681", "SHELL"),
    "an unknown operation": (action("VNFM", "operation: heel"), "CL682", "heel"),
    "no operation": (action("VIM", ""), "CL682", "VIM"),
    "an unknown property": (action("VIM", "operation: stop, sever: x"), "CL682", "sever"),
    "a property that is missing": (action("VNFM", "operation: scale_out, steps: 1"), "CL682", "VNFM"),
    "a property of another type": (action("VNFM", "operation: scale_out, aspect: a, steps: many"), "CL682", "many"),
    "no file": (action("SCRIPT", "--a: 1"), "CL682", "SCRIPT"),
    "a file by a variable": (action("SCRIPT", 'file: "{x}"'), "CL682", "SCRIPT"),
    "an argument without a dash": (action("SCRIPT", "file: a.py, a: 1"), "CL682", "a"),
    "a mapping as an argument": (action("SCRIPT", "file: a.py, --a: {b: 1}"), "CL682", "{b: 1}"),
    "a target that is no name": (action("SCRIPT", "file: a.py, target: a b"), "CL682", "a b"),
    "undo of an event": (
        action("VIM", "operation: stop", conditions="[LCS::DEPLOY_ERR]", more="undo: true"),
        "CL683",
        "true",
    ),
    "undo of what moves its object": (
        action("VIM", "operation: stop", conditions="[overloaded]", more="undo: true").rstrip()
        + "\n    moves_to: monitoring\n",
        "CL683",
        "true",
    ),
    "another object moves": (
        action("VIM", 'operation: stop, server: "{s}"', more=OF_ITS_SERVERS).rstrip() + "\n    moves_to: heal\n",
        "CL686",
        "heal",
    ),
    "an unbound variable": (action("SCRIPT", 'file: a.py, --x: "{x}"'), "CL201", '"{x}"'),
    "a body with a mistake": (action("VNFM", "operation: heal", more="when: nova:servers(id=object"), "CL006", "("),
    "a table that is not there": (
        action("VNFM", "operation: heal", more="when: nova:serves(id=object)"),
        "CL101",
        "nova:serves",
    ),
    "an unknown key": (action("VNFM", "operation: heal", more="whem: x"), "CL043", "whem"),
    "two actions of a name": (f"policy: p\nconditions: [heal]\nactions: [{HEAL}, {HEAL}]", "CL042", HEAL),
    "an action without a type": ("policy: p\nconditions: [heal]\nactions: [{name: a}]", "CL042", "{name: a}"),
    "a mode that there is not": (action("VNFM", "operation: heal", more="mode: on"), "CL231", ""),
    "no such recovery": (RECOVER.format("action: pray"), "CL685", "pray"),
    "too few tries": (RECOVER.format("retries: 0"), "CL685", "0"),
    "a step that is none": (
        RECOVER.format("action: reboot, redeploy: {type: VIM, properties: {operation: stop}}"),
        "CL685",
        "{type: VIM, properties: {operation: stop}}",
    ),
    "a recovery of whatever": ("policy: p\nrecovery: {retries: 3}\n", "CL685", "{retries: 3}"),
}


@pytest.mark.parametrize(("text", "code", "underlined"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(text: str, code: str, underlined: str) -> None:
    """Each mistake is told once, where it stands in the YAML."""
    found = told(text)
    assert [each for each, _ in found] == [code], found
    if underlined:
        assert found[0][1] == underlined


@pytest.mark.parametrize("key", ["target", "object", "script_filename"])
def test_a_property_beside_the_properties(key: str) -> None:
    """Whoever writes a property beside `properties` is told where it belongs, in recoveries too."""
    beside = action("SCRIPT", "file: a.py").rstrip() + f"\n    {key}: x\n"
    step = RECOVER.format(f"action: reboot, reboot: {{type: VIM, {key}: x, properties: {{operation: stop}}}}")
    for text in (beside, step):
        (found,) = [each for each in parse(Source("p.yaml", text))[1] if each.code == "CL043"]
        assert found.hint == f"it is one of its properties: `properties: {{{key}: …}}`"


def test_undo_where_the_object_stays() -> None:
    """An action that leaves its object in the stage of its condition may be undone."""
    text = action("VIM", "operation: stop", conditions="[heal]", more="undo: true").rstrip() + "\n    moves_to: heal\n"
    assert told(text) == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LCS::STAGE::FLAIL", "LCS::STAGE::FAIL"),
        ("LCS::STAGE::fail", "LCS::STAGE::FAIL"),
        ("LCS::STAGE::FAIL", None),
        ("LCS::STAGE::WARM_UP", None),
        ("LCS::PRE_DEPLOYED", "LCS::PRE_DEPLOY"),
        ("flail", "fail"),
        ("warm_up", None),
    ],
)
def test_what_is_nearly_built_in(name: str, near: str | None) -> None:
    """A stage or an event that is nearly a built-in one is told with that one; others are the user's own."""
    text = action("VNFM", "operation: heal", conditions=f'["{name}"]')
    hints = [each.hint or "" for each in check_sources([Source("p.yaml", text)], CATALOG).diagnostics]
    assert [each.split("?")[0] for each in hints] == ([f"did you mean `{near}`"] if near else [])


def test_a_stage_that_follows_by_rules() -> None:
    """A fact of `lifecycle_after` is held against the stages that there are, as `moves_to` is; only in that table."""
    text = """\
policy p(description = "d").
lifecycle_after("act", "succeeded", "monitorng", null).
lifecycle_after("act", "failed", "warm_up", null).
lifecycle_after("act", "cancelled", null, "MY::EVENT").
other("act", "succeeded", "monitorng", null).
"""
    (found,) = check_sources([Source("p.dl", text)], CATALOG).diagnostics
    assert (found.code, shown(found), found.span and found.span.line) == ("CL684", '"monitorng"', 2)


def test_nothing_to_do() -> None:
    """A lifecycle policy without actions, conditions or a recovery is told so."""
    for text in ("policy: p\n", "policy: p\nconditions: [heal]\n", "policy: p\nactions: []\n"):
        assert [each.code for each in parse(Source("p.yaml", text))[1]] == ["CL042"]


FORMS = {
    "a lifecycle policy": ("policy: p\nconditions: []\n", True),
    "after a comment": ("# what it is for\n\npolicy: p\n", True),
    "a policy of the library": ("---\nname: p\nrules: []\n", True),
    "a policy in rules": ('policy p(mode = "enforce").\n', False),
    "a rule": ("name(x) :- nova:servers(id=x).\n", False),
    "a comment": ("// policy: p\nerror(x) :- q(x).\n", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("text", "yaml"), FORMS.values(), ids=FORMS.keys())
def test_the_form_of_a_text_without_a_file(text: str, yaml: bool) -> None:
    """What is given over REST has no suffix: its beginning tells which form it is in."""
    assert is_yaml(text) is yaml


@given(st.text(alphabet=st.sampled_from(list("abc:{}[]-#'\"\n \t,*&|>.0")), max_size=200))
def test_any_text(text: str) -> None:
    """Whatever stands in a file, reading it ends, with findings and without an error."""
    for head in (
        "policy: p\n",
        "policy: p\nconditions: ",
        "policy: p\nactions:\n  - ",
        "policy: p\nrecovery:\n  when: ",
    ):
        parse(Source("any.yaml", head + text))


def test_a_hostile_beginning_costs_no_time() -> None:
    """Telling the form of a text takes time in proportion to its length, whatever it begins with."""
    begun = time.perf_counter()
    for text in ("\n" * 200_000, " \n" * 200_000, " #" * 200_000, "#\n" * 200_000, "policy" * 100_000):
        is_yaml(text)
    assert time.perf_counter() - begun < 5
