"""What violations say: their messages, objects and order."""

from pathlib import Path

import pytest

from congresslite import Engine, Policy

TABLES = {
    "vm": "id,host,disk\nv2,h1,10\nv1,h1,20\nv3,,\n",
    "host": "id,cores,site\nh1,4,south\nh2,8,north\n",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of one source, `inv`, with two tables."""
    folder = tmp_path / "inv"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


MESSAGES = {
    "the row, where there is no message": ("error(v) :- inv:vm(id=v, host=null).", ["v = v3"]),
    "variables of the head": ('@message("{v} on {h}") error(v, h) :- inv:vm(id=v, host=h), h != null.',
                              ["v1 on h1", "v2 on h1"]),
    "a variable beyond the head takes the least value": (
        '@message("{h} holds {v}") error(h) :- inv:vm(id=v, host=h), inv:host(id=h).', ["h1 holds v1"]),
    "a variable takes its value from the branch that proves the row lowest": (
        "cores(h, n) :- inv:host(id=h, cores=n).\n"
        '@message("{h}: {w}") error(h) :- (cores(h, w)) or (inv:host(id=h, site=w)) or (cores(h, _), w = 0).',
        ["h1: south", "h2: north"]),
    "or the least value, where only the rows tell which that is": (
        "up(h, n) :- inv:host(id=h, site=n).\nup(h, n) :- down(h, n).\n"
        "down(h, n) :- up(h, _), inv:host(id=h, cores=n).\n"
        '@message("{h}: {w}") error(h) :- (up(h, w)) or (down(h, w)).',
        ["h1: 4", "h2: 8"]),
    "a column that no rule has read": (
        '@message("{v} in {s}") error(v) :- inv:vm(id=v, host=h), inv:host(id=h, cores=4, site=s).',
        ["v1 in south", "v2 in south"]),
    "an aggregate's own value is none of the variables": (
        '@message("{h}: {d}") error(h, sum(d)) :- inv:vm(host=h, disk=d), h != null.', ["h1: 10"]),
    "plain substitution, never a format language": (
        '@message("{v!r} {0} {} {v} {{v}}") error(v) :- inv:vm(id=v, host=null).', ["{v!r} {0} {} v3 {v3}"]),
    "null and numbers": ('@message("{h} {n}") error(v, h, n) :- inv:vm(id=v, host=h), h = null, n = 1.5.',
                         ["null 1.5"]),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["columnar", "duckdb", "reference"])
@pytest.mark.parametrize(("text", "messages"), MESSAGES.values(), ids=MESSAGES)
def test_messages(data: Path, text: str, messages: list[str], engine: str) -> None:
    """A message is the rule's template filled in, the same words for the same tables, whichever engine is asked."""
    loaded = Engine.load([Policy("p", text)], data, engine=engine)
    assert [violation.message for violation in loaded.violations()] == messages


def test_a_violation_names_its_rule_and_object(data: Path) -> None:
    """A violation tells its policy, rule, severity, mode, columns, object and place."""
    rule = '@id("R1") @severity("critical") @object(h)\nerror(v, h) :- inv:vm(id=v, host=h), h != null.'
    text = f'policy p(mode="dryrun").\n{rule}'
    first = next(Engine.load([Policy("p", text)], data).violations())
    assert (first.policy, first.rule, first.kind, first.severity, first.mode) == (
        "p",
        "R1",
        "error",
        "critical",
        "dryrun",
    )
    assert (first.table, first.columns, first.row, first.object) == ("p:error", ("v", "h"), ("v1", "h1"), "h1")
    assert (first.span.line, first.span.text) == (2, rule.rstrip("."))


def test_rules_keep_their_own_rows(data: Path) -> None:
    """A row that two rules derive is two violations; `error` counts both."""
    first, second = 'error(v) :- inv:vm(id=v, host="h1").', "error(v) :- inv:vm(id=v, disk=10)."
    text = f"{first} {second} error(v, h) :- inv:vm(id=v, host=h), h != null."
    engine = Engine.load([Policy("p", text)], data)
    assert engine.count("p:error") == len(list(engine.violations())) == len(engine.rows("p:error")) == 5
