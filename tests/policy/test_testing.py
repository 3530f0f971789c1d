"""Tests of policies pass, fail and err as they should, and never with a traceback."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import Source
from congresslite.policy.testfiles import parse_tests
from congresslite.policy.testing import Outcome, run_tests
from congresslite.schema import Catalog, Choice, Column, TableSchema, Type

CATALOG = Catalog.of(
    [
        TableSchema(
            "inv:vm",
            (
                Column("id", Type.STR),
                Column("host", Type.STR),
                Column("vcpus", Type.INT),
                Column("state", Type.STR, domain=Choice(("ACTIVE", "ERROR"))),
            ),
            key=("id",),
        ),
        TableSchema("inv:host", (Column("id", Type.STR), Column("cores", Type.FLOAT), Column("up", Type.BOOL))),
    ]
)

POLICY = """
table banned(host: str).
banned("h1").

load(h, sum(n)) :- inv:vm(host=h, vcpus=n).
load(h, n) :- other:preset(h, n).

@id("banned") error(vm, host) :- inv:vm(id=vm, host=host), banned(host).
@id("full") error(host, load, cores) :- load(host, load), inv:host(id=host, cores=cores), load > cores.
@id("failed") warning(vm) :- inv:vm(id=vm, state="ERROR").
@id("old") warning(vm, day) :- mail:received(vm, day), now(t), datetime_lt(day, t).
execute[vnfm:heal(vm)] :- inv:vm(id=vm, state="ERROR").
"""


@pytest.fixture
def run(tmp_path):
    """Run tests, given as text, of the policy above or of another one."""

    def run_text(tests, policy=POLICY):
        (tmp_path / "nfv.dl").write_text(policy)
        (tmp_path / "nfv_test.yaml").write_text(textwrap.dedent(tests))
        return run_tests([tmp_path], CATALOG)

    return run_text


PASSING = {
    "violations of one rule": """
        - name: x
          given: {inv:vm: [{id: a, host: h1}, {id: b, host: h2}]}
          expect: {error: [{vm: a, host: h1}], warning: []}
        """,
    "violations of several arities": """
        - name: x
          given:
            inv:vm: [{id: a, host: h1, vcpus: 3}]
            inv:host: [{id: h1, cores: 2}]
          expect: {error: [{host: h1, load: 3, cores: 2}, {host: h1, vm: a}]}
        """,
    "a column that is left out is null": """
        - name: x
          given: {inv:vm: [{id: a, state: ERROR}]}
          expect: {load: [], warning: [{vm: a}]}
        """,
    "integers and floats are one": """
        - name: x
          given: {inv:vm: [{host: h1, vcpus: 2}], inv:host: [{id: h1, cores: 1.5}]}
          expect: {load: [{h: h1, c2: 2.0}]}
        """,
    "an inner table, by its own or its full name": """
        - name: x
          given: {inv:vm: [{host: h2, vcpus: 2}]}
          expect: {load: [{h: h2, c2: 2}], nfv:load: [{h: h2, c2: 2}]}
        """,
    "facts that replace the policy's": """
        - name: x
          given: {banned: [{host: h2}], inv:vm: [{id: a, host: h1}, {id: b, host: h2}]}
          expect: {error: [{vm: b, host: h2}], banned: [{host: h2}]}
        """,
    "a table without a definition": """
        - name: x
          given: {other:preset: [{host: h9, size: 4}]}
          expect: {load: [{h: h9, c2: 4}]}
        """,
    "a command": """
        - name: x
          given: {inv:vm: [{id: a, state: ERROR}]}
          expect: {"execute[vnfm:heal]": [{vm: a}]}
        """,
    "a row that is absent": """
        - name: x
          given: {inv:vm: [{id: a, host: h2}]}
          absent: {error: [{vm: a, host: h1}, {host: h1}]}
        """,
    "the clock stands still": """
        - name: before
          given: {mail:received: [{vm: a, day: "2026-03-01 00:00:00"}]}
          expect: {warning: []}
        - name: after
          now: 2026-03-02 00:00:00
          given: {mail:received: [{vm: a, day: "2026-03-01 00:00:00"}]}
          expect: {warning: [{vm: a, day: "2026-03-01 00:00:00"}]}
        """,
    "one test takes over from another": """
        - name: first
          given: &base {inv:vm: [{id: a, host: h1}]}
          expect: {error: [{vm: a, host: h1}]}
        - name: second
          given: {<<: *base, banned: []}
          expect: {error: []}
        """,
}


@pytest.mark.parametrize("tests", PASSING.values(), ids=PASSING)
def test_passing(run, tests):
    """What a policy derives from the tables given is what its test says."""
    report = run(tests)
    assert report.diagnostics == ()
    assert [(case.outcome, case.differences, case.diagnostics) for case in report.cases] == [
        (Outcome.PASSED, (), ())
    ] * len(report.cases)
    assert report.ok


FAILING = {
    "a missing row": (
        "expect: {error: [{vm: a, host: h2}]}",
        ['- error(vm="a", host="h2")', '+ error(vm="a", host="h1")'],
    ),
    "an unexpected row": ("expect: {error: []}", ['+ error(vm="a", host="h1")']),
    "an inner table": ("expect: {load: [{h: h1, c2: null}]}", ['- load(h="h1", c2=null)']),
    "a row that should be absent": ("absent: {error: [{vm: a}]}", ['+ error(vm="a", host="h1")']),
    "true is not 1": ("expect: {banned: [{host: true}]}", ["- banned(host=true)", '+ banned(host="h1")']),
}  # fmt: skip


@pytest.mark.parametrize(("says", "lines"), FAILING.values(), ids=FAILING)
def test_failing(run, says, lines):
    """A test that fails shows the rows that are missing and those that are too many."""
    report = run(f"- name: x\n  given: {{inv:vm: [{{id: a, host: h1}}]}}\n  {says}\n")
    (case,) = report.cases
    assert case.outcome is Outcome.FAILED
    assert [line for difference in case.differences for line in difference.lines()] == lines
    assert not report.ok


EVERY_COLUMN = "name every column, with null where it is null"

# What is wrong with one test, the code and the text that the finding points at.
WRONG = {
    "unknown column given": ("given: {inv:vm: [{hots: h1}]}", "CL463", "h1", "did you mean `host`?"),
    "unknown column expected": ("expect: {load: [{h: h1, n: 1}]}", "CL463", "1", "its columns are h, c2"),
    "columns of no rule": ("expect: {error: [{vm: a}]}", "CL463", "{vm: a}", EVERY_COLUMN),
    "unknown column absent": ("absent: {error: [{vmm: a}]}", "CL463", "{vmm: a}", EVERY_COLUMN),
    "wrong type": ("given: {inv:vm: [{id: 1}]}", "CL464", "1", "put it in quotes"),
    "a boolean is no number": ("given: {inv:host: [{cores: true}]}", "CL464", "true", None),
    "outside the domain": ("given: {inv:vm: [{state: ACTVE}]}", "CL464", "ACTVE", None),
    "a key twice": ("given: {inv:vm: [{id: a}, {id: a}]}", "CL464", "{id: a}", "the other one is on line 2"),
    "wrong type of a fact": ("given: {banned: [{host: 7}]}", "CL464", "7", "put it in quotes"),
    "unknown table given": ("given: {inv:vms: []}", "CL465", "inv:vms", "did you mean `inv:vm`?"),
    "a derived table given": ("given: {load: []}", "CL465", "load", None),
    "unknown table expected": ("expect: {lod: []}", "CL465", "lod", "did you mean `load`?"),
    "unknown table absent": ("absent: {lod: []}", "CL465", "lod", "did you mean `load`?"),
}  # fmt: skip


@pytest.mark.parametrize(("says", "code", "text", "hint"), WRONG.values(), ids=WRONG)
def test_wrong_cases(run, says, code, text, hint):
    """A test that does not fit its policy never passes, and a finding points at the place."""
    more = "" if says.startswith(("expect", "absent")) else "\n  expect: {warning: []}"
    report = run(f"- name: x\n  {says}{more}\n- name: good\n  expect: {{error: []}}\n")
    wrong, good = report.cases
    assert wrong.outcome is Outcome.ERROR
    (finding,) = wrong.diagnostics
    assert (finding.code, finding.span.text, finding.hint) == (code, text, hint)
    assert good.outcome is Outcome.PASSED
    assert not report.ok


MALFORMED = {
    "not YAML": ("- name: [", "CL460", 1),
    "a tab": ("- name: x\n\texpect: {}", "CL460", 2),
    "a control character": ('- name: "\x00"', "CL460", 1),
    "not a list": ("name: x", "CL460", 1),
    "empty": ("", "CL460", 1),
    "an unknown key": ("- name: x\n  expct: {}\n  absent: {}", "CL461", 2),
    "no name": ("- expect: {}", "CL461", 1),
    "a name twice": ("- {name: x, expect: {}}\n- {name: x, expect: {}}", "CL461", 2),
    "a time that is none": ("- name: x\n  now: noon\n  expect: {}", "CL461", 2),
    "a test that is a list": ("- [a, b]", "CL462", 1),
    "tables as a list": ("- name: x\n  expect: [error]", "CL462", 2),
    "rows as a mapping": ("- name: x\n  expect: {error: {vm: a}}", "CL462", 2),
    "a row that is a scalar": ("- name: x\n  expect:\n    error: [a]", "CL462", 3),
    "a cell that is a list": ("- name: x\n  expect:\n    error: [{vm: [a]}]", "CL462", 3),
    "a table twice": ("- name: x\n  expect:\n    error: []\n    error: []", "CL462", 4),
    "an integer too big": ("- name: x\n  expect: {error: [{vm: 99999999999999999999}]}", "CL462", 2),
    "a float too big": ("- name: x\n  expect: {error: [{vm: 1e999}]}", "CL462", 2),
    "a mapping that takes over itself": ("- name: x\n  expect: &a {<<: *a}", "CL462", 2),
    "a tag": ("- name: x\n  expect: {error: [{vm: !!python/object:os.getcwd {}}]}", "CL462", 2),
    "nothing is checked": ("- name: x\n  given: {}", "CL467", 1),
}


@pytest.mark.parametrize(("tests", "code", "line"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_files(run, tests, code, line):
    """Whatever stands in a file of tests, it is told with its line, and the run is not clean."""
    report = run(tests)
    assert (code, line) in [(finding.code, finding.span.line) for finding in report.diagnostics]
    assert not report.ok


def test_scalars_are_those_of_yaml_1_2(run):
    """Words and times that YAML 1.1 would turn into something else are the strings that they look like."""
    report = run(
        """
        - name: x
          expect: {words: [{a: on, b: no, c: 12:30, d: 2026-01-01, e: 0x10, f: 1e3, g: 010}]}
        """,
        "words(a, b, c, d, e, f, g) :- row(a, b, c, d, e, f, g).\n"
        'row("on", "no", "12:30", "2026-01-01", 16, 1000, 10).',
    )
    assert [case.differences for case in report.cases] == [()]


def test_a_policy_with_errors(run):
    """A policy that cannot be run is told once, and its tests are errors."""
    report = run("- {name: x, expect: {}}\n- {name: y, expect: {}}", "error(x) :- inv:vm(id=y).")
    assert [finding.code[:3] for finding in report.diagnostics] == ["CL2"]
    assert [case.outcome for case in report.cases] == [Outcome.ERROR] * 2
    assert not report.ok


def test_coverage(run):
    """Each written rule is listed, with those that no test made fire."""
    report = run(
        """
        - name: x
          given: {inv:vm: [{id: a, host: h1, vcpus: 1}]}
          expect: {warning: []}
        - name: y
          given: {other:preset: [{host: h1, n: 1}]}
          expect: {warning: []}
        """
    )
    assert len(report.coverage) == 7
    assert [rule.rule for rule in report.unfired][:3] == ["full", "failed", "old"]
    assert len(report.unfired) == 4


def test_coverage_of_recursion(run):
    """Rules of one recursive table are told apart, and a rule that reads violations counts too."""
    policy = """
        reach(a, b) :- net:link(a, b).
        reach(a, c) :- reach(a, b), net:link(b, c).
        error(a) :- reach(a, a).
        error(a, b) :- reach(a, b), not net:allowed(a, b).
        bad(a) :- error(a).
        bad("x") :- net:allowed("x", "x").
        """
    report = run(
        """
        - name: a loop
          given: {net:link: [{a: x, b: y}, {a: y, b: x}]}
          expect:
            reach: [{a: x, b: y}, {a: y, b: x}, {a: x, b: x}, {a: y, b: y}]
            bad: [{a: x}, {a: y}]
        """,
        policy,
    )
    assert [case.outcome for case in report.cases] == [Outcome.PASSED]
    assert [rule.fired for rule in report.coverage] == [True, True, True, True, True, False]


def test_policies_without_tests(tmp_path):
    """The rules of a policy that has no tests count as rules that never fired."""
    (tmp_path / "a.dl").write_text("error(x) :- inv:vm(id=x).\n")
    report = run_tests([tmp_path], CATALOG)
    assert report.cases == ()
    assert [rule.fired for rule in report.coverage] == [False]
    assert report.ok


@pytest.mark.parametrize("named", [".", "nfv.dl", "nfv_test.yaml"])
def test_what_may_be_named(tmp_path, monkeypatch, named):
    """A folder, a policy or its tests: each leads to the same run, and naming all of them runs it once."""
    (tmp_path / "nfv.dl").write_text("error(x) :- inv:vm(id=x).\n")
    (tmp_path / "nfv_test.yaml").write_text("- {name: x, given: {inv:vm: [{id: a}]}, expect: {error: [{x: a}]}}\n")
    monkeypatch.chdir(tmp_path)
    for paths in ([named], [".", named, "nfv.dl"]):
        report = run_tests(paths, CATALOG)
        assert [(case.name, case.outcome) for case in report.cases] == [("x", Outcome.PASSED)]
        assert report.diagnostics == ()


def test_tests_without_a_policy(tmp_path):
    """Tests that were left behind are an error, not a run of nothing."""
    (tmp_path / "gone_test.yaml").write_text("- {name: x, expect: {}}\n")
    report = run_tests([tmp_path / "gone_test.yaml"], CATALOG)
    assert [finding.code for finding in report.diagnostics] == ["CL466"]
    assert not report.ok


def test_tests_of_a_yaml_policy(tmp_path):
    """A policy in the form of Congress's library is tested in the same way."""
    (tmp_path / "lib.yaml").write_text("name: lib\nrules:\n  - rule: error(x) :- inv:vm(id=x)\n")
    (tmp_path / "lib_test.yaml").write_text("- {name: x, given: {inv:vm: [{id: a}]}, expect: {error: [{x: a}]}}\n")
    report = run_tests([tmp_path], CATALOG)
    assert [(case.policy, case.outcome) for case in report.cases] == [("lib", Outcome.PASSED)]
    assert report.ok


def test_another_policys_tables_are_given(run):
    """A policy is tested alone: what other policies derive is given, as of a source."""
    report = run(
        """
        - name: x
          given: {network:reach: [{a: p, b: q}]}
          expect: {error: [{b: q}]}
        """,
        'error(b) :- network:reach("p", b).',
    )
    assert [(case.outcome, case.diagnostics) for case in report.cases] == [(Outcome.PASSED, ())]


def test_an_evaluation_that_is_stopped(run, monkeypatch):
    """A test whose evaluation reaches a limit is an error that names the rule, and the others still run."""
    monkeypatch.setattr("congresslite.engine.limits.DEFAULT_ROUNDS", 50)
    report = run(
        "- {name: endless, given: {inv:vm: [{id: a}]}, expect: {n: []}}\n- {name: fine, expect: {n: []}}",
        "n(1) :- inv:vm(id=_).\nn(y) :- n(x), y = x + 1.",
    )
    assert [case.outcome for case in report.cases] == [Outcome.ERROR, Outcome.PASSED]
    assert [finding.code[:3] for finding in report.cases[0].diagnostics] == ["CL5"]


@given(st.text(alphabet="- {}[]:&*<>|!'\"#\n\tabx01.~?,%@`", max_size=60))
def test_any_text_is_read(text):
    """Whatever stands in a file of tests, reading it ends in tests or findings, never in an exception."""
    for prefix in ("", "- name: x\n  expect: ", "- name: x\n  expect:\n    error: "):
        cases, findings = parse_tests(Source("x_test.yaml", prefix + text))
        assert cases or findings
