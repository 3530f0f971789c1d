"""What is wrong with tables, declarations and replies, told with a code, a place, a cause and a hint."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from congresslite.diagnostics import CongressliteError, Diagnostic, SourceError
from congresslite.diagnostics.codes import CODES
from congresslite.sources import open_inventory


@dataclass(frozen=True)
class Bad:
    """Files that are not right; what is told when all their tables are read. Paths are below the data folder."""

    files: dict[str, str | bytes]
    code: str
    place: str
    message: str
    hint: str = ""
    more: tuple[str, ...] = field(default=())  # codes of further findings


def csv(text: str, schema: str = "") -> dict[str, str | bytes]:
    """Table `inv:t` as CSV, with what `_schema.yaml` says of it."""
    files: dict[str, str | bytes] = {"inv/t.csv": text}
    return files | ({"inv/_schema.yaml": schema} if schema else {})


def reply(
    tables: str, text: str = '{"rows": [{"id": 1}, {"id": 2}]}', replies: str = "{r: {path: /r}}"
) -> dict[str, str | bytes]:
    """A recorded source `lab` whose definition has these tables and whose reply `r` is this text."""
    definition = f"source: lab\nreplies: {replies}\ntables:\n  {tables}\n"
    return {"lab/_source.yaml": "definition: lab.yaml", "lab/lab.yaml": definition, "lab/r.json": text}


def columns(text: str) -> dict[str, str | bytes]:
    """A recorded source with one table `t` with these columns, from a list of two rows."""
    return reply(f"t: {{from: r, rows: rows, columns: {text}}}")


FILES = {
    "no folder": Bad({}, "CL401", "nowhere", "the data folder `nowhere` does not exist"),
    "empty folder": Bad({".keep": ""}, "CL401", "", "holds no source", "`SOURCE/TABLE.csv`"),
    "no source folder": Bad({"vm.csv": "a\n"}, "CL401", "", "holds no source", "move `vm.csv` to `inv/vm.csv`"),
    "two formats": Bad(
        {"inv/t.csv": "a\n", "inv/t.json": "[]"}, "CL415", "inv/t.json", "lies in two files", "remove one"
    ),
    "a folder as a file": Bad({"inv/t.csv/x": ""}, "CL402", "inv/t.csv", "is a directory"),
    "empty CSV": Bad(
        csv(""), "CL404", "inv/t.csv", "`inv/t.csv` is empty", "the first line of a table names its columns"
    ),
    "blank CSV": Bad(csv("\n\n"), "CL404", "inv/t.csv", "is empty"),
    "half a row": Bad(
        csv("a,b,c\n1,2,3\n4,5\n"),
        "CL405",
        "inv/t.csv:3",
        "the row has 2 fields, the header 3",
        "is the file complete?",
    ),
    "half a row after a line break in quotes": Bad(
        csv('a,b\n1,"x\ny"\n\n4\n'), "CL405", "inv/t.csv:5", "the row has 1 field, the header 2"
    ),
    "a row too long": Bad(csv("a,b\n1,2,3\n"), "CL405", "inv/t.csv:2", "the row has 3 fields", "needs quotes"),
    "a quote left open": Bad(
        csv('a,b\n1,2\n3,"x\n4,5\n6,7\n'),
        "CL417",
        "inv/t.csv:3",
        "a quoted value that starts in this row never ends",
        '`""`',
    ),
    "a quote left open in one column": Bad(csv('a\nx\n"y\n'), "CL417", "inv/t.csv:3", "never ends"),
    "a quote left open before much": Bad(csv('a,b\n1,"x\n' + "2,y\n" * 99999), "CL417", "inv/t.csv:2", "never ends"),
    "column twice": Bad(csv("a,b,a\n1,2,3\n"), "CL406", "inv/t.csv:1", "two columns are named `a`", "its own name"),
    "column without a name": Bad(csv("a,\n1,2\n"), "CL406", "inv/t.csv:1", "column 2 has no name", "first line"),
    "not UTF-8": Bad({"inv/t.csv": b"a,b\n1,x\n2,\xff\n"}, "CL403", "inv/t.csv:3", "byte 3 of the line", "UTF-8"),
    "header not UTF-8": Bad({"inv/t.csv": b"\xe9,b\n1,x\n"}, "CL403", "inv/t.csv:1", "byte 1"),
    "UTF-16": Bad({"inv/t.csv": "a,b\n".encode("utf-16")}, "CL403", "inv/t.csv:1", "this is not UTF-8"),
    "no int": Bad(
        csv("a,b\n1,2\n,3\n007,4\n", "t: {columns: {a: int}}"),
        "CL407",
        "inv/t.csv:4",
        '"007" in column `a`, which is of type int',
        "declare the column `str` to keep it",
    ),
    "beyond 64 bits": Bad(
        csv("a\n9223372036854775808\n", "t: {columns: {a: int}}"),
        "CL407",
        "inv/t.csv:2",
        "in column `a`",
        "fit in 64 bits",
    ),
    "no float": Bad(csv("a\n1.5\nnan\n", "t: {columns: {a: float}}"), "CL407", "inv/t.csv:3", '"nan" in column `a`'),
    "no bool": Bad(
        csv("a\ntrue\nyes\n", "t: {columns: {a: bool}}"), "CL407", "inv/t.csv:3", '"yes"', "`true` or `false`"
    ),
    "a word for null": Bad(
        csv("a\n1\nNone\n", "t: {columns: {a: int}}"), "CL407", "inv/t.csv:3", '"None"', "empty for null"
    ),
    "two columns": Bad(
        csv("a,b\n1,x\ny,2\n", "t: {columns: {a: int, b: int}}"),
        "CL407",
        "inv/t.csv:3",
        '"y" in column `a`',
        more=("CL407",),
    ),
    "empty JSON": Bad({"inv/t.json": " \n"}, "CL404", "inv/t.json", "is empty", "`[]`"),
    "half a JSON": Bad(
        {"inv/t.json": '[{"a": 1},\n {"a": '}, "CL408", "inv/t.json:2:8", "this is no JSON: expecting value"
    ),
    "JSON that is an object": Bad(
        {"inv/t.json": '{"servers": []}'},
        "CL409",
        "inv/t.json:1",
        "a list is expected, not an object",
        "`_source.yaml`",
    ),
    "JSON that is a word": Bad({"inv/t.json": '"x"'}, "CL409", "inv/t.json:1", 'not a string, "x"'),
    "a row that is no object": Bad(
        {"inv/t.json": '[{"a": 1},\n\n 7]'},
        "CL409",
        "inv/t.json:3",
        "row 2 is an integer, 7, where an object is expected",
    ),
    "mixed types": Bad(
        {"inv/t.json": '[{"a": null},\n{"a": 1},\n{"a": 2.5},\n{"a": "x"}]'},
        "CL410",
        "inv/t.json:4",
        'row 4, column `a`: a string, "x" in row 4, but an integer, 1 in row 2',
        "declare the column `any`",
    ),
    "booleans among numbers": Bad(
        {"inv/t.ndjson": '{"a": 1}\n\n{"a": true}\n'}, "CL410", "inv/t.ndjson:3", "a boolean, true in row 2"
    ),
    "nested": Bad(
        {"inv/t.json": '[{"a": 1},\n{"b": [1]}]'}, "CL411", "inv/t.json:2", "row 2, column `b`: a list", "definition"
    ),
    "nested where declared": Bad(
        {"inv/t.json": '[{"a": {}}]', "inv/_schema.yaml": "t: {columns: {a: any}}"},
        "CL411",
        "inv/t.json:1",
        "an object",
    ),
    "NaN": Bad(
        {"inv/t.json": '[{"a": "NaN"},\n{"a": NaN}]'}, "CL412", "inv/t.json:2", "`NaN` is no value of JSON", "`null`"
    ),
    "infinity": Bad({"inv/t.json": '[{"a": 1e999}]'}, "CL412", "inv/t.json:1", "a number too big"),
    "integer beyond 64 bits": Bad(
        {"inv/t.ndjson": '{"a": 9223372036854775808}'},
        "CL412",
        "inv/t.ndjson:1",
        "does not fit in 64 bits",
        "as a string",
    ),
    "thousands of digits": Bad(
        {"inv/t.json": f'[{{"a": {"1" * 5000}}}]'}, "CL412", "inv/t.json:1", "thousands of digits"
    ),
    "half a character": Bad({"inv/t.json": '[{"a": "\\ud800"}]'}, "CL412", "inv/t.json:1", "holds half of a character"),
    "JSON too deep": Bad({"inv/t.json": "[" * 100000}, "CL408", "inv/t.json:1", "nested too deeply"),
    "bad line": Bad({"inv/t.ndjson": '{"a": 1}\n{"a": }\n'}, "CL408", "inv/t.ndjson:2:7", "expecting value"),
    "a line that is a list": Bad({"inv/t.ndjson": '{"a": 1}\n[2]\n'}, "CL409", "inv/t.ndjson:2", "row 2 is a list"),
    "JSON that does not fit": Bad(
        {"inv/t.json": '[{"a": 1},\n{"a": "1"}]', "inv/_schema.yaml": "t: {columns: {a: int}}"},
        "CL407",
        "inv/t.json:2",
        'row 2, column `a`: a string, "1", where the column is of type int',
    ),
    "JSON fraction": Bad(
        {"inv/t.json": '[{"a": 1.5}]', "inv/_schema.yaml": "t: {columns: {a: int}}"},
        "CL407",
        "inv/t.json:1",
        "is no integer",
    ),
    "JSON not UTF-8": Bad({"inv/t.json": b'[\n"\xff"]'}, "CL403", "inv/t.json:2", "this is not UTF-8"),
    "no Parquet": Bad({"inv/t.parquet": "PAR1 and then?"}, "CL413", "inv/t.parquet", "is no sound Parquet file"),
}

DECLARATIONS = {
    "no YAML": Bad(csv("a\n", "t: [1, 2\n"), "CL420", "inv/_schema.yaml:2:1", "expected ',' or ']'"),
    "nothing in YAML": Bad(csv("a\n", "# later\n"), "CL420", "inv/_schema.yaml", "there is nothing in the file"),
    "a list": Bad(csv("a\n", "- t"), "CL422", "inv/_schema.yaml:1:1", "is expected to be a mapping", ""),
    "YAML not UTF-8": Bad({"inv/t.csv": "a\n", "inv/_schema.yaml": b"t: \xff"}, "CL403", "inv/_schema.yaml", "byte 4"),
    "an alias to itself": Bad(csv("a\n", "t: &t {columns: *t}"), "CL420", "inv/_schema.yaml:1", "an alias within"),
    "a tag": Bad(
        csv("a\n", "t: {key: !!python/name:x y}"), "CL420", "inv/_schema.yaml:1:10", "an unknown tag", more=("CL422",)
    ),
    "unknown key": Bad(
        csv("a\n", "t:\n  colums: {a: int}"),
        "CL421",
        "inv/_schema.yaml:2:3",
        "table `t` has no key `colums`",
        "did you mean `columns`?",
    ),
    "key twice": Bad(
        csv("a\n", "t: {key: [a], key: [a]}"), "CL422", "inv/_schema.yaml:1:15", "`key` stands here twice", "line 1"
    ),
    "number as a name": Bad(
        csv("a\n", "1: {}"), "CL422", "inv/_schema.yaml:1:1", "a name is expected here, not `1`", "quotes"
    ),
    "unknown type": Bad(
        csv("a\n", "t: {columns: {a: integer}}"),
        "CL423",
        "inv/_schema.yaml:1:18",
        'column `a` of table `t` has an unknown type: "integer"',
        "",
    ),
    "misspelt type": Bad(
        csv("a\n", "t: {columns: {a: flaot}}"), "CL423", "inv/_schema.yaml:1:18", "unknown type", "`float`"
    ),
    "no type": Bad(
        csv("a\n", "t: {columns: {a: {}}}"), "CL430", "inv/_schema.yaml:1:18", "column `a` of table `t` lacks `type`"
    ),
    "key that is not declared": Bad(
        csv("id\n", "t: {columns: {id: int}, key: [ID]}"),
        "CL424",
        "inv/_schema.yaml:1:31",
        "table `t` has no column `ID`",
        "`id`",
    ),
    "key that is not in the file": Bad(
        csv("id,b\n1,2\n", "t: {key: [idd]}"),
        "CL418",
        "inv/_schema.yaml:1:4",
        "`idd` is declared for table `t`",
        "did you mean `id`?",
    ),
    "column that is not in the file": Bad(
        csv("id,b\n1,2\n", "t: {columns: {id: int, c: int}}"), "CL418", "inv/_schema.yaml:1:4", "has no such column"
    ),
    "key that is no list": Bad(
        csv("a\n", "t: {key: a}"), "CL422", "inv/_schema.yaml:1:10", "`key` of table `t` is expected to be a list"
    ),
    "reference without a column": Bad(
        csv("a\n", "t: {references: {a: host}}"), "CL425", "inv/_schema.yaml:1:21", "names no column", "`table.column`"
    ),
    "reference to no table": Bad(
        csv("a\n", "t: {references: {a: hots.id}}\nhost: {}"),
        "CL425",
        "inv/_schema.yaml:1:21",
        "unknown table `hots`",
        "`host`",
    ),
    "reference to no column": Bad(
        csv("a\n", "t: {columns: {a: int}, references: {a: t.b}}"),
        "CL425",
        "inv/_schema.yaml:1:40",
        "does not have: `b`",
        "`a`",
    ),
    "empty domain": Bad(
        csv("a\n", "t: {columns: {a: int}, domains: {a: [9, 1]}}"), "CL426", "inv/_schema.yaml:1:37", "9 is more than 1"
    ),
    "domain of another type": Bad(
        csv("a\n", "t: {columns: {a: int}, domains: {a: [low]}}"),
        "CL426",
        "inv/_schema.yaml:1:37",
        'holds "low", but the column is of type int',
    ),
    "domain that is no list": Bad(
        csv("a\n", "t: {domains: {a: 7}}"), "CL426", "inv/_schema.yaml:1:18", "is no list of values", "[0, 100]"
    ),
    "owner without a reference": Bad(
        csv("a\n", "t: {columns: {a: int}, owner: a}"),
        "CL424",
        "inv/_schema.yaml:1:31",
        "column `a` refers to nothing",
        "references:",
    ),
    "table that no file holds": Bad(
        csv("a\n", "t: {}\nvm: {columns: {id: str}}"),
        "CL416",
        "inv",
        "table `inv:vm` is needed, but no file holds it",
        "inv/vm.csv",
    ),
}

DEFINITIONS = {
    "unknown definition": Bad(
        {"vim/_source.yaml": "definition: novva"},
        "CL429",
        "vim/_source.yaml:1:13",
        "there is no definition `novva`",
        "`nova`",
    ),
    "definition outside": Bad(
        {"vim/_source.yaml": "definition: ../../etc.yaml"},
        "CL429",
        "vim/_source.yaml:1:13",
        "lies outside of the data folder",
        "put it into",
    ),
    "definition that is not there": Bad(
        {"vim/_source.yaml": "definition: ./x.yaml"}, "CL402", "vim/x.yaml", "no such file"
    ),
    "no definition": Bad({"vim/_source.yaml": "null_as: None"}, "CL430", "vim/_source.yaml:1:1", "lacks `definition`"),
    "unknown setting": Bad(
        {"vim/_source.yaml": "definition: nova\nnull: x"},
        "CL422",
        "vim/_source.yaml:2:1",
        "a name is expected here, not nothing",
    ),
    "reply that nobody knows": Bad(
        {"vim/_source.yaml": "definition: nova", "vim/servres.json": "{}"},
        "CL428",
        "vim/servres.json",
        "`servres.json` is no reply that the definition of `vim` knows",
        "did you mean `servers`?",
    ),
    "no tables": Bad(
        {"v/_source.yaml": "definition: d.yaml", "v/d.yaml": "source: v"},
        "CL430",
        "v/d.yaml:1:1",
        "a source definition lacks `tables`",
    ),
    "columns missing": Bad(reply("t: {from: r}"), "CL430", "lab/lab.yaml:4:6", "table `t` lacks `columns`"),
    "unknown reply": Bad(
        reply("t: {from: rr, columns: {id: int}}"),
        "CL428",
        "lab/lab.yaml:4:13",
        "comes from an unknown reply `rr`",
        "`r`",
    ),
    "reply without a path": Bad(
        reply("t: {from: r, columns: {id: int}}", replies="{r: {}}"),
        "CL430",
        "lab/lab.yaml:2:14",
        "reply `r` lacks `path`",
    ),
    "rows without a reply": Bad(
        reply("t: {rows: x, columns: {id: int}}"),
        "CL430",
        "lab/lab.yaml:4:13",
        "has `rows`, but comes from no reply",
        "from:",
    ),
    "malformed path": Bad(
        columns("{id: {path: 'a.', type: int}}"), "CL427", "lab/lab.yaml:4:49", "the path of column `id` of table `t`"
    ),
    "malformed rows": Bad(
        reply("t: {from: r, rows: 'rows[', columns: {id: int}}"),
        "CL427",
        "lab/lab.yaml:4:22",
        "`rows` of table `t` is malformed",
    ),
    "unknown function": Bad(
        columns("{id: {path: 'entries(@)', type: int}}"), "CL434", "lab/r.json", "unknown function: entries()"
    ),
    "no path": Bad(
        reply("t: {from: r, rows: {row: rows}, columns: {id: int}}"),
        "CL430",
        "lab/lab.yaml:4:49",
        "lacks `path`",
        "{path: server.id",
    ),
    "rows that are none": Bad(
        reply("t: {from: r, rows: servers, columns: {id: int}}"),
        "CL434",
        "lab/r.json",
        "reply `r`, table `t`: `servers` leads to nothing, where a list of rows is expected",
    ),
    "value that does not fit": Bad(
        columns("{id: str}"),
        "CL407",
        "lab/r.json",
        "reply `r`, table `t`: row 1, column `id`: an integer, 1, where the column is of type str",
    ),
    "nothing in a key": Bad(
        reply("t: {from: r, rows: rows, key: [uuid], columns: {uuid: str}}"),
        "CL407",
        "lab/r.json",
        'row 1, column `uuid`: nothing at `"uuid"`, where a value is required',
        "headers",
    ),
    "required that is no bool": Bad(
        columns("{id: {type: int, required: 1}}"), "CL422", "lab/lab.yaml:4:64", "`true` or `false`"
    ),
    "a list within a row": Bad(
        reply("t: {from: r, rows: rows, columns: {id: any}}", '{"rows": [{"id": [1]}]}'),
        "CL411",
        "lab/r.json",
        "a list within a row",
    ),
    "malformed reply": Bad(
        reply("t: {from: r, columns: {id: int}}", "{"), "CL408", "lab/r.json:1:2", "this is no JSON"
    ),
    "column that is not there": Bad(
        reply("t: {from: r, rows: rows, key: [ID], columns: {id: int}}"),
        "CL424",
        "lab/lab.yaml:4:34",
        "no column `ID`",
        "`id`",
    ),
    "unknown key of a column": Bad(
        columns("{id: {typ: int}}"), "CL421", "lab/lab.yaml:4:43", "no key `typ`", "`type`", ("CL430",)
    ),
}

EVERY = {**FILES, **DECLARATIONS, **DEFINITIONS}


def findings(folder: Path) -> list[Diagnostic]:
    """What is told when a folder is opened and all its tables are read."""
    found: list[Diagnostic] = []
    try:
        inventory = open_inventory(folder)
    except SourceError as error:
        return list(error.diagnostics)
    for name in inventory.catalog:
        try:
            schema = inventory.catalog[name]
            inventory.table(name).columns([column.name for column in schema.columns])
        except SourceError as error:
            found.extend(error.diagnostics)
    return found


@pytest.mark.parametrize("name", EVERY)
def test_bad_inputs(name: str, tmp_path: Path) -> None:
    """A mistake is told where it is, once, in words that say what to do; and never by a traceback."""
    bad = EVERY[name]
    for file, content in bad.files.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    told = findings(tmp_path if bad.files else tmp_path / "nowhere")
    assert [each.code for each in told] == [bad.code, *bad.more]
    first = told[0]
    root = f"{tmp_path}{os.sep}"
    place = first.where.removeprefix(str(tmp_path)).removeprefix(os.sep)
    assert place == bad.place or place.startswith(f"{bad.place}:")
    assert bad.message in first.message.replace(root, "")
    assert bad.hint in (first.hint or "").replace(root, "")
    assert first.code in CODES


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Mistakes in the declarations of several sources come in one run, each at its place."""
    for source in ("a", "b"):
        (tmp_path / source).mkdir()
        (tmp_path / source / "_schema.yaml").write_text("t: {colums: {}, key: x}\nu: {ower: 1}\n", encoding="utf-8")
    with pytest.raises(SourceError) as error:
        open_inventory(tmp_path)
    assert [each.code for each in error.value.diagnostics] == ["CL421", "CL422", "CL421"] * 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_permissions(tmp_path: Path) -> None:
    """A file that may not be read is told as that."""
    path = tmp_path / "inv/t.csv"
    path.parent.mkdir()
    path.write_text("a\n", encoding="utf-8")
    path.chmod(0)
    assert [each.code for each in findings(tmp_path)] == ["CL402"]


@pytest.mark.parametrize(
    ("column", "schema", "code", "message"),
    [
        (pa.array([2**63], pa.uint64()), "", "CL414", "does not fit in 64 bits"),
        (pa.array([[1]]), "", "CL414", "values of type list"),
        (pa.array([float("nan")]), "", "CL414", "NaN"),
        (pa.array(["1"]), "t: {columns: {a: int}}", "CL414", "values of type str, where the column is declared int"),
    ],
    ids=["uint64", "list", "NaN", "another type"],
)
def test_parquet_columns(tmp_path: Path, column: pa.Array, schema: str, code: str, message: str) -> None:
    """A column of a Parquet file that the language cannot hold is told when it is read."""
    (tmp_path / "inv").mkdir()
    pq.write_table(pa.table({"a": column}), tmp_path / "inv/t.parquet")
    if schema:
        (tmp_path / "inv/_schema.yaml").write_text(schema, encoding="utf-8")
    told = findings(tmp_path)
    assert [each.code for each in told] == [code]
    assert message in told[0].message


def test_findings_are_errors() -> None:
    """Whoever embeds the engine can catch every mistake as one kind of error."""
    with pytest.raises(CongressliteError):
        open_inventory(Path("/nowhere/at/all"))
