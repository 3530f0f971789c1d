"""The Python interface, as the documentation shows it."""

from pathlib import Path

import pytest

from congresslite import Engine, Policy
from congresslite.diagnostics import EvaluationError, PolicyError, SourceError

ENGINES = ("columnar", "reference")
RULES = """
policy p(description = "links").
reach(a, b) :- net:link(a, b).
reach(a, c) :- reach(a, b), net:link(b, c).
degree(a, count(b)) :- net:link(a, b).
half(a, x) :- degree(a, n), x = n / 2.
warning(a) :- reach(a, a).
error(a, b) :- reach(a, b), not net:link(a, b).
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Links of a small network, one of them given twice."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "link.csv").write_text("a,b\n1,2\n2,3\n3,1\n3,4\n3,4\n", encoding="utf-8")
    (tmp_path / "p.dl").write_text(RULES, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("engine", ENGINES)
def test_load_count_rows(data: Path, engine: str) -> None:
    """Both engines answer by the same methods, and the same."""
    loaded = Engine.load([data / "p.dl"], data, engine=engine)
    assert loaded.tables() == ("p:degree", "p:error", "p:half", "p:reach", "p:warning")
    assert loaded.count("p:reach") == 12
    assert set(loaded.rows("p:degree")) == {(1, 1), (2, 1), (3, 2)}
    assert sorted(loaded.rows("p:half")) == [(1, 0.5), (2, 0.5), (3, 1.0)]
    assert loaded.count("p:warning") == 3
    assert loaded.count("net:link") == len(loaded.rows("net:link")) == 4
    assert loaded.schema("p:half").columns[1].type == "float"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("net:link(a=3, b=x)", ("x",), [(1,), (4,)]),
        ("p:reach(1, x), x > 2", ("x",), [(3,), (4,)]),
        ("net:link(x, y), not p:warning(y)", ("x", "y"), [(3, 4)]),
        ("net:link(x, y), s = x + y, s in [3, 7]", ("x", "y", "s"), [(1, 2, 3), (3, 4, 7)]),
        ("p:warning(4)", ("a",), []),
        ("p:error(1, _)", ("a", "b"), [(1, 1), (1, 3), (1, 4)]),
        ("p:warning(1), not p:warning(4)", (), [()]),
    ],
    ids=["atom", "body", "negation", "arithmetic", "no row", "rows of an atom", "yes"],
)
def test_query(data: Path, engine: str, text: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """A query's columns are its variables in order; without any, it an atom asks for its rows and a body for a yes."""
    answer = Engine.load([data / "p.dl"], data, engine=engine).query(text)
    assert (answer.columns, sorted(answer.rows)) == (columns, rows)


def test_policies_are_paths_folders_or_objects(data: Path) -> None:
    """A policy comes from a path, from a folder or as an object; one alone needs no list."""
    for policies in (data / "p.dl", str(data / "p.dl"), data, [data], Policy("p", RULES), [Policy("p", RULES)]):
        assert Engine.load(policies, data).count("p:reach") == 12


def test_unknown_table(data: Path) -> None:
    """A table that there is not is a KeyError, whatever is asked of it."""
    engine = Engine.load(data, data)
    for ask in (engine.count, engine.rows, engine.schema):
        with pytest.raises(KeyError):
            ask("p:nothing")


def test_without_data() -> None:
    """Policies with facts of their own need no data."""
    engine = Engine.load([Policy("p", "q(1). q(2). r(x) :- q(x), x > 1.")])
    assert engine.rows("p:r") == [(2,)]


FAILURES = {
    "a wrong policy": ("r(x) :- net:link(x, y, z).", "CL105", PolicyError, {}),
    "a table that nobody has": ("r(x) :- net:host(x).", "CL101", PolicyError, {}),
    "more than memory holds": ("r(a, b) :- net:link(a), net:link(b).", "CL501", EvaluationError, {"memory_limit": 100}),
    "values without end": ("r(1). r(y) :- r(x), y = x + 1.", "CL502", EvaluationError, {"max_rounds": 20}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "error", "limits"), FAILURES.values(), ids=FAILURES)
def test_failures(data: Path, text: str, code: str, error: type[Exception], limits: dict[str, int]) -> None:
    """What cannot be evaluated raises an error of its kind with its findings."""
    with pytest.raises(error) as raised:
        Engine.load([Policy("p", text)], data, **limits)  # type: ignore[arg-type]
    assert code in str(raised.value)


def test_a_file_that_is_no_table(data: Path) -> None:
    """What cannot be read is an error, not an empty table."""
    (data / "net" / "link.csv").write_text("a,b\n1\n", encoding="utf-8")
    with pytest.raises(SourceError, match="CL4"):
        Engine.load(data, data)


def test_broken_constraints_are_told(data: Path) -> None:
    """Rows that break a declared key, reference or domain count as they are, and are warned about."""
    (data / "net" / "_schema.yaml").write_text(
        "link: {columns: {a: int, b: int}, key: [b], references: {a: link.b}, domains: {a: [1, 2]}}", encoding="utf-8"
    )
    (data / "net" / "link.csv").write_text("a,b\n1,2\n2,3\n3,1\n3,4\n2,4\n9,5\n", encoding="utf-8")
    engine = Engine.load(data, data)
    assert [finding.code for finding in engine.diagnostics] == ["CL431", "CL432", "CL433"]
    assert set(engine.rows("p:degree")) == {(1, 1), (2, 2), (3, 2), (9, 1)}


def test_a_table_that_nobody_reads_does_no_harm(data: Path) -> None:
    """A file that cannot be read matters only to those who read it, not even to hints about other mistakes."""
    (data / "net" / "gone.csv").symlink_to(data / "nowhere")
    assert Engine.load(data, data).count("p:reach") == 12
    with pytest.raises(PolicyError, match="CL201"):
        Engine.load([Policy("p", "r(x, y) :- net:link(a=x).")], data)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,2,x\n1,3,x\n2,2,y\n", []),
        (
            "1,2,x\n1,2,y\n1,2,z\n2,2,x\n",
            ["1 values of the key `a, b` of `net:link` stand in several rows, such as `1, 2`"],
        ),
        ("", []),
    ],
    ids=["kept", "broken", "no rows"],
)
def test_keys_of_several_columns(tmp_path: Path, rows: str, told: list[str]) -> None:
    """Rows that agree in all columns of a declared key are told, once for each key."""
    (tmp_path / "net").mkdir()
    schema = "link: {columns: {a: int, b: int, kind: str}, key: [a, b]}"
    (tmp_path / "net" / "_schema.yaml").write_text(schema, encoding="utf-8")
    (tmp_path / "net" / "link.csv").write_text(f"a,b,kind\n{rows}", encoding="utf-8")
    engine = Engine.load(Policy("p", 'policy p(description = "d"). t(a, b) :- net:link(a, b).'), tmp_path)
    assert [finding.message for finding in engine.diagnostics] == told
