"""`check` and `query`: exit codes, streams, and options before and after the command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from congresslite.api import Answer, Engine
from congresslite.cli.formats import FORMATS
from congresslite.diagnostics import EvaluationError, PolicyError, SourceError
from tests.cli.conftest import Run
from tests.cli.made_run import ERROR, PLACED, VIOLATIONS, WARNING, FakeEngine

CLEAN = FakeEngine(violations_=VIOLATIONS[2:])  # a warning, and an error in dry run


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("engine", "options", "code"),
    [
        (CLEAN, (), 0),
        (FakeEngine(violations_=()), (), 0),
        (FakeEngine(), (), 1),
        (FakeEngine(), ("--exit-zero",), 0),
        (FakeEngine(), ("--fail-on", "critical"), 0),
        (FakeEngine(), ("--fail-on", "high"), 1),
        (FakeEngine(), ("--fail-on", "low"), 1),
        (PolicyError([ERROR]), (), 1),
        (PolicyError([ERROR]), ("--exit-zero",), 1),
        (SourceError([PLACED]), (), 2),
        (EvaluationError([PLACED]), (), 2),
        (OSError("disk\non fire"), (), 2),
        (KeyboardInterrupt(), (), 130),
    ],
    ids=[
        "no errors", "nothing", "errors", "errors, exit zero", "not grave", "grave", "graver", "policy is wrong",
        "policy is wrong, exit zero", "source", "evaluation", "internal", "interrupted",
    ],
)  # fmt: skip
def test_exit_code(run: Run, output: str, engine: Any, options: tuple[str, ...], code: int) -> None:
    """The exit code says what was found, and no format changes it."""
    assert run("check", "-o", output, *options, engine=engine).exit_code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "nowhere.dl"),
        ("check", "--data", "nowhere"),
        ("check", "-o", "xml"),
        ("check", "--counts", "-o", "sarif"),
        ("check", "--data", "inventory", "--example"),
        ("check", "--memory-limit", "much"),
        ("query",),
        ("query", "t", "-o", "sarif"),
        ("-o", "junit", "query", "t"),
        ("chek",),
        ("--nothing",),
    ],
    ids=" ".join,
)
def test_usage(run: Run, arguments: tuple[str, ...]) -> None:
    """Wrong usage exits with 2 and says why on stderr, in one line after the usage."""
    result = run(*arguments, engine=FakeEngine())
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.search(r"^Error: ", result.stderr, re.MULTILINE)


def test_no_data(run: Run, tmp_path: Path) -> None:
    """Without tables, check says how to name them and what to try instead."""
    (tmp_path / "inventory").rmdir()
    result = run("check", engine=FakeEngine())
    assert result.exit_code == 2
    assert "--data DIR" in result.stderr
    assert "--example" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("-o", "json", "check"), ("check", "-o", "json"), ("-o", "sarif", "check", "-o", "json")],
    ids=["before", "after", "the later one wins"],
)
def test_options_before_and_after(run: Run, arguments: tuple[str, ...]) -> None:
    """Shared options may stand on both sides of the command's name."""
    assert json.loads(run(*arguments, engine=FakeEngine()).stdout)["summary"]["errors"] == 3


def test_streams(run: Run) -> None:
    """Results are on stdout and findings on stderr; a machine format holds the findings too."""
    engine = FakeEngine(diagnostics=(WARNING,))
    table, document = run("check", engine=engine), run("check", "-o", "json", engine=engine)
    assert "CL990" in table.stderr
    assert "CL990" not in table.stdout
    assert "CL990" in document.stderr
    assert json.loads(document.stdout)["findings"][0]["code"] == "CL990"


def test_failure_in_a_machine_format(run: Run) -> None:
    """What stops the work is in the document of a machine format, and its exit code too."""
    document = json.loads(run("check", "-o", "json", engine=SourceError([PLACED])).stdout)
    assert document["findings"][0]["code"] == "CL992"
    assert document["summary"]["exit_code"] == 2


def test_quiet(run: Run) -> None:
    """Quiet leaves out warnings and advice, but no errors and no results."""
    result = run("check", "-q", engine=FakeEngine(diagnostics=(WARNING, PLACED)))
    assert "CL990" not in result.stderr
    assert "CL992" in result.stderr
    assert "vm1 runs on" in result.stdout
    assert "Next:" not in result.stdout


def test_counts(run: Run) -> None:
    """`--counts` prints the count of each derived table and the times, in a document of that shape."""
    document = json.loads(run("check", "-o", "json", "--counts", engine=FakeEngine()).stdout)
    assert document["counts"] == {"dry:error": 1, "nfv:error": 2, "nfv:warning": 1}
    assert document["timing"] == {"load_s": 0.2, "load_cpu_s": 0.4, "evaluate_s": 0.11, "evaluate_cpu_s": 0.2}


def test_internal_error(run: Run) -> None:
    """An error of our own is one line, and a traceback only for who asks."""
    short, long = (run("check", *more, engine=OSError("disk\non fire")) for more in ((), ("-vv",)))
    assert short.stderr.count("\n") == 1
    assert "OSError: disk" in short.stderr
    assert "-vv" in short.stderr
    assert "Traceback" in long.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("512 MiB", 512 * 2**20), ("1.5g", 1_500_000_000), ("4096", 4096)],
    ids=["2GB", "512 MiB", "1.5g", "4096"],
)
def test_memory_limit(run: Run, monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    """Amounts of memory are read as people write them."""
    given: dict[str, Any] = {}

    def load(*_: Any, **named: Any) -> FakeEngine:
        given.update(named)
        return FakeEngine()

    monkeypatch.setattr(Engine, "load", load)
    assert run("check", "--exit-zero", "--memory-limit", text).exit_code == 0
    assert given["memory_limit"] == size


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("table", "x  y\na  null\nb  1\n(2 rows)\n"),
        ("json", '{"columns": ["x", "y"], "rows": [["a", null], ["b", 1]], "total": 2}\n'),
        ("ndjson", '{"x": "a", "y": null}\n{"x": "b", "y": 1}\n'),
    ],
    ids=["table", "json", "ndjson"],
)
def test_query(run: Run, output: str, expected: str) -> None:
    """The answer to a question comes sorted, in each format."""
    result = run("query", "t(x, y)", "-o", output, engine=FakeEngine())
    assert (result.exit_code, result.stdout) == (0, expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer((), [()]), "yes\n"),
        (Answer((), []), "no\n"),
        (Answer(("x",), []), "(0 rows)\n"),
        (Answer(("x",), [("1",), (1,), ("null",), ("",), (" a",)]), 'x\n1\n""\n" a"\n"1"\n"null"\n(5 rows)\n'),
        (Answer(("x",), [("\x1b[2J\u202e",)]), "x\n␛[2J\ufffd\n(1 row)\n"),
    ],
    ids=["holds", "does not hold", "no rows", "text that looks like something else", "hostile"],
)
def test_query_as_table(run: Run, answer: Answer, expected: str) -> None:
    """A table of answers tells text from numbers, and shows hostile text as text."""
    assert run("query", "t", engine=FakeEngine(answer=answer)).stdout == expected


@pytest.mark.parametrize(
    ("engine", "code"),
    [(PolicyError([ERROR]), 1), (SourceError([PLACED]), 2), (FakeEngine(answer=PolicyError([ERROR])), 2)],
    ids=["policy", "source", "question"],
)
def test_query_that_fails(run: Run, engine: Any, code: int) -> None:
    """A wrong question is wrong usage; a wrong policy blocks, as everywhere."""
    result = run("query", "t", engine=engine)
    assert (result.exit_code, result.stdout) == (code, "")
    assert "error[CL" in result.stderr
