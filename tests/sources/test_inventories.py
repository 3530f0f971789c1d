"""Inventories: which folders and files become which tables, and what is declared of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from congresslite.diagnostics import SourceError
from congresslite.schema import Choice, Column, ColumnValues, Range, Reference, Scalar, Type, canonical, identity
from congresslite.sources import Inventory, open_inventory


def written(root: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def rows(inventory: Inventory, name: str) -> list[tuple[Scalar, ...]]:
    """The rows of a table in the order of its columns."""
    table = inventory.table(name)
    columns = table.columns([column.name for column in table.schema.columns])
    return list(zip(*map(plain, columns.values()), strict=True))


def plain(values: ColumnValues) -> list[Scalar]:
    """A column as Python values."""
    return values if isinstance(values, list) else values.to_pylist()


SCHEMA = """
vm:
  description: Virtual machines
  columns: {id: str, host: str, load: int, level: str, note: any}
  key: [id]
  references: {host: host.id}
  domains: {load: [0, 100], level: [low, high], note: {values: [1, 2]}}
  owner: host
host:
  columns:
    id: str
    cores: {type: int, description: Cores, domain: [1, null]}
    pop: {type: str, references: "geo:pop.id"}
"""


def test_schema_file(tmp_path: Path) -> None:
    """A `_schema.yaml` gives types, keys, references, domains and owners, in both of its forms."""
    inventory = open_inventory(
        written(
            tmp_path,
            {
                "inv/_schema.yaml": SCHEMA,
                "inv/vm.csv": "id,host,load,level,note\n007,h1,5,low,1\n",
                "inv/host.csv": "id,cores,pop,extra\nh1,8,,9\n",
            },
        )
    )
    vm, host = inventory.catalog["inv:vm"], inventory.catalog["inv:host"]
    assert (vm.key, vm.description, inventory.owners) == (("id",), "Virtual machines", {"inv:vm": "host"})
    assert vm.columns == (
        Column("id", Type.STR),
        Column("host", Type.STR, Reference("inv:host", "id")),
        Column("load", Type.INT, None, Range(0, 100)),
        Column("level", Type.STR, None, Choice(("low", "high"))),
        Column("note", Type.ANY, None, Choice((1, 2))),
    )
    assert host.columns == (
        Column("id", Type.STR),
        Column("cores", Type.INT, None, Range(1, None), description="Cores"),
        Column("pop", Type.STR, Reference("geo:pop", "id")),
        Column("extra", Type.INT, declared=False),
    )
    assert rows(inventory, "inv:vm") == [("007", "h1", 5, "low", 1)]


def test_names(tmp_path: Path) -> None:
    """Folders are sources, files are tables; dots belong to names, and what is hidden or of another kind is left."""
    files = {
        "inv/servers.addresses.csv": "a\n1\n",
        "inv/B.NDJSON": '{"a": 1}\n',
        "inv/README.md": "# Notes\n",
        "inv/_notes.csv": "",
        "inv/.hidden.csv": "",
        "moves.csv": "vm\n",
        ".git/config": "",
        "empty/README.md": "",
    }
    inventory = open_inventory(written(tmp_path, files))
    assert sorted(inventory.catalog) == ["inv:B", "inv:servers.addresses"]
    assert inventory.catalog.sources == {"inv", "empty"}
    with pytest.raises(KeyError):
        inventory.table("inv:../moves")


def test_a_table_is_read_when_it_is_needed(tmp_path: Path) -> None:
    """A damaged table that nobody asks for harms nobody."""
    inventory = open_inventory(written(tmp_path, {"inv/good.csv": "a\n1\n", "inv/bad.csv": "a,b\n1\n"}))
    assert "inv:bad" in inventory.catalog
    assert rows(inventory, "inv:good") == [(1,)]
    with pytest.raises(SourceError, match="CL405"):
        inventory.catalog["inv:bad"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.json", '[{"id": 1, "name": "a", "up": true, "load": 1}, {"id": 2, "load": 0.5, "up": null, "more": "x"}]'),
        (
            "t.ndjson",
            '{"id": 1, "name": "a", "up": true, "load": 1}\n\n{"id": 2, "load": 0.5, "up": null, "more": "x"}',
        ),
    ],
    ids=["json", "ndjson"],
)
def test_json(tmp_path: Path, name: str, text: str) -> None:
    """Keys are columns in the order in which they appear; what an object lacks is null; numbers are one kind."""
    inventory = open_inventory(written(tmp_path, {f"inv/{name}": text}))
    types = {column.name: column.type for column in inventory.catalog["inv:t"].columns}
    assert types == {"id": Type.INT, "name": Type.STR, "up": Type.BOOL, "load": Type.FLOAT, "more": Type.STR}
    assert rows(inventory, "inv:t") == [(1, "a", True, 1, None), (2, None, None, 0.5, "x")]
    inventory.release()
    assert rows(inventory, "inv:t") == [(1, "a", True, 1, None), (2, None, None, 0.5, "x")]


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("any", [1, "a", True, None, 2.5]),
        ("float", [1, 2.5, 2**53 + 1]),
        ("int", [1, -(2**63), None]),
        ("str", ["", "a"]),
    ],
)
def test_json_declared(tmp_path: Path, type_: str, values: list[Scalar]) -> None:
    """Declared columns of JSON take what their type takes, and nothing is lost or confused."""
    text = json.dumps([{"c": value} for value in values])
    inventory = open_inventory(
        written(tmp_path, {"inv/t.json": text, "inv/_schema.yaml": f"t: {{columns: {{c: {type_}}}}}"})
    )
    found = [row[0] for row in rows(inventory, "inv:t")]
    assert [identity(canonical(value)) for value in found] == [identity(canonical(value)) for value in values]


def test_parquet(tmp_path: Path) -> None:
    """Parquet's own types count; a column of a type that the language lacks only harms who reads it."""
    (tmp_path / "inv").mkdir()
    table = pa.table(
        {
            "id": pa.array([1, 2], pa.int8()),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "load": pa.array([0.5, None], pa.float32()),
            "up": [True, False],
            "nothing": pa.nulls(2),
            "day": pa.array([0, 1], pa.date32()),
        }
    )
    pq.write_table(table, tmp_path / "inv/t.parquet")
    inventory = open_inventory(tmp_path)
    found = inventory.table("inv:t").columns(["id", "kind", "load", "up", "nothing"])
    assert [plain(column) for column in found.values()] == [
        [1, 2],
        ["a", "b"],
        [0.5, None],
        [True, False],
        [None, None],
    ]
    assert [column.type for column in inventory.catalog["inv:t"].columns] == [
        Type.INT, Type.STR, Type.FLOAT, Type.BOOL, Type.ANY, Type.ANY,
    ]  # fmt: skip
    with pytest.raises(SourceError, match="CL414"):
        inventory.table("inv:t").columns(["day"])


def test_a_folder_named_after_a_definition(tmp_path: Path) -> None:
    """Files in a folder named after a shipped definition have its columns, in its order, and its keys and references.

    Tables and columns that are not there are known, and reading them is an error.
    """
    files = {"nova/servers.csv": "name,id,rack\nweb,s1,7\n"}
    inventory = open_inventory(written(tmp_path, files))
    schema = inventory.catalog["nova:servers"]
    assert (schema.columns[0].name, schema.columns[-1]) == ("id", Column("rack", Type.INT, declared=False))
    assert schema.key == ("id",)
    assert plain(inventory.table("nova:servers").columns(["id"])["id"]) == ["s1"]
    with pytest.raises(SourceError, match=r"CL418.*`status`"):
        inventory.table("nova:servers").columns(["status"])
    assert "nova:flavors" in inventory.catalog
    with pytest.raises(SourceError, match=r"CL416.*nova:flavors"):
        inventory.table("nova:flavors").columns(["id"])


def test_a_schema_file_goes_before_a_definition(tmp_path: Path) -> None:
    """With a `_schema.yaml` of its own, a folder named after a definition is as any other."""
    inventory = open_inventory(written(tmp_path, {"nova/servers.csv": "id\n1\n", "nova/_schema.yaml": "servers: {}"}))
    assert list(inventory.catalog) == ["nova:servers"]
    assert inventory.catalog["nova:servers"].columns == (Column("id", Type.INT, declared=False),)


DEFINITION = """
source: lab
replies: {boxes: {path: /boxes}, other: {path: /other}}
tables:
  boxes:
    from: boxes
    rows: boxes
    key: [id]
    columns: {id: int, up: bool, name: str, in: {type: int, references: boxes.id}}
  other: {from: other, columns: {id: int}}
"""


def test_recorded_replies(tmp_path: Path) -> None:
    """A folder with `_source.yaml` holds replies; the source has the folder's name, and so have its references."""
    files = {
        "west/_source.yaml": "definition: ./lab.yaml",
        "west/lab.yaml": DEFINITION,
        "west/boxes.json": '{"boxes": [{"id": 1, "up": true, "name": null}, {"id": 2, "name": "b", "in": 1}]}',
    }
    inventory = open_inventory(written(tmp_path, files))
    assert rows(inventory, "west:boxes") == [(1, True, None, None), (2, None, "b", 1)]
    assert inventory.catalog["west:boxes"].columns[3].references == Reference("west:boxes", "id")
    with pytest.raises(SourceError, match=r"CL416.*reply `other`"):
        inventory.table("west:other").columns(["id"])


def test_null_as_congress_spelled_it(tmp_path: Path) -> None:
    """`null_as` spells null and booleans as texts, as Congress did, wherever a source asks for it."""
    files = {
        "lab/_source.yaml": 'definition: ../lab.yaml\nnull_as: "None"',
        "lab.yaml": DEFINITION,
        "lab/boxes.json": '{"boxes": [{"id": 1, "up": true}, {"id": 2, "up": false, "in": 1}]}',
    }
    inventory = open_inventory(written(tmp_path, files))
    assert rows(inventory, "lab:boxes") == [(1, "True", "None", "None"), (2, "False", "None", 1)]
    types = [column.type for column in inventory.catalog["lab:boxes"].columns]
    assert types == [Type.ANY, Type.STR, Type.STR, Type.ANY]
