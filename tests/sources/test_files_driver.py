"""The driver `files`: a folder's files become tables, whole ones, and it is told when they change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from congresslite.diagnostics import SourceError
from congresslite.schema import Row, Scalar, TableData, Type
from congresslite.sources import folderwatch, shipped_definition
from congresslite.sources.definitions import Definition
from congresslite.sources.driver import Deadline, Part
from congresslite.sources.drivers.files import FilesDriver, Settings, open_driver

SETTLE = 0.05
LONG = 30.0  # seconds after which something that is waited for will not come


def opened(folder: Path, definition: Definition | None = None, source: str = "inv") -> FilesDriver:
    """A driver for a folder, quick to look."""
    return open_driver(source, Settings(folder=folder, settle=SETTLE, look_every=0.2), definition)


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files, not written to for a while."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (time.time() - 60, time.time() - 60))
    return folder


def pulled(driver: FilesDriver, feed: str = "vm", seconds: float = LONG) -> list[Row]:
    """The rows of a pull of one table."""
    found = driver.pull(feed, Deadline.after(seconds))
    assert list(found) == [feed]
    return rows(found[feed])


def rows(table: TableData | Part) -> list[Row]:
    """The rows of a table in the order of its columns."""
    assert not isinstance(table, Part)
    values = table.columns([each.name for each in table.schema.columns])
    lists: list[list[Scalar]] = [each if isinstance(each, list) else each.to_pylist() for each in values.values()]
    assert all(len(each) == table.num_rows for each in lists)
    return list(zip(*lists, strict=True))


def told(driver: FilesDriver, feed: str = "vm") -> list[tuple[str, str]]:
    """Code and message of what is wrong with a pull."""
    with pytest.raises(SourceError) as error:
        pulled(driver, feed)
    return [(each.code, each.message) for each in error.value.diagnostics]


VM = "id,host,load\na,h1,5\nb,h2,7\n"


def test_formats(tmp_path: Path) -> None:
    """Each file of a format that is known is a table and a feed; other files are left alone."""
    folder = written(
        tmp_path / "f",
        {
            "vm.csv": VM,
            "host.json": '[{"id": "h1", "cores": 4}]',
            "rack.ndjson": '{"id": "r1"}\n',
            "vm.csv.new": "x",
            ".vm.csv": "x",
            "_notes.csv": "x",
            "README.md": "x",
        },
    )
    pq.write_table(pa.table({"id": ["s1"], "up": [True]}), folder / "site.parquet")
    driver = opened(folder)
    assert [(each.name, each.tables) for each in driver.feeds] == [
        (name, (name,)) for name in ("host", "rack", "site", "vm")
    ]
    assert set(driver.schemas) == {"host", "rack", "site", "vm"}
    assert driver.schemas["vm"].name == "inv:vm"
    assert [(each.name, each.type) for each in driver.schemas["vm"].columns] == [
        ("id", Type.STR),
        ("host", Type.STR),
        ("load", Type.INT),
    ]
    assert pulled(driver) == [("a", "h1", 5), ("b", "h2", 7)]
    assert pulled(driver, "host") == [("h1", 4)]
    assert pulled(driver, "rack") == [("r1",)]
    assert pulled(driver, "site") == [("s1", True)]


def test_declarations(tmp_path: Path) -> None:
    """What is declared beside the files holds, and a table that is declared without a file is an error when pulled."""
    schema = "vm: {columns: {id: str, host: str, load: float}, key: [id], references: {host: host.id}, owner: host}\n"
    schema += "host: {columns: {id: str, cores: int}, key: [id]}\n"
    driver = opened(written(tmp_path, {"vm.csv": VM, "_schema.yaml": schema}))
    assert driver.schemas["vm"].key == ("id",)
    assert driver.schemas["vm"].columns[2].type is Type.FLOAT
    assert driver.owners == {"vm": "host"}
    assert [feed.name for feed in driver.feeds] == ["vm", "host"]
    assert told(driver, "host") == [("CL416", "table `inv:host` is needed, but no file holds it")]
    written(tmp_path, {"host.json": '[{"id": "h1"}]'})
    assert pulled(driver, "host") == [("h1", None)]


def test_definition(tmp_path: Path) -> None:
    """With a definition, its tables are there, under the source's own name, whatever the definition is called."""
    driver = opened(written(tmp_path, {"sites.csv": SITES}), shipped_definition("pop"), "north")
    assert driver.schemas["sites"].name == "north:sites"
    assert driver.schemas["sites"].key == ("id",)
    assert len(pulled(driver, "sites")) == 1
    assert told(driver, "hosts")[0][0] == "CL416"


SITES = "id,name,region,kind,country,availability_zone\np1,Paris,eu,core,FR,\n"


def test_recorded_replies(tmp_path: Path) -> None:
    """A folder of replies is read as its definition says: a feed for each reply, with all its tables."""
    replies = "source: lab\nreplies: {boxes: {path: /boxes}, racks: {path: /racks}}\ntables:\n"
    replies += "  boxes: {from: boxes, rows: boxes, key: [id], columns: {id: int}}\n"
    replies += "  tags: {from: boxes, rows: {box: boxes, tag: box.tags}, columns: {tag: {path: tag, type: str}}}\n"
    replies += "  racks: {from: racks, columns: {id: str}}\n  plans: {columns: {id: str}}\n"
    body = '{"boxes": [{"id": 1, "tags": ["a", "b"]}]}'
    folder = written(tmp_path, {"_source.yaml": "definition: ./lab.yaml", "lab.yaml": replies, "boxes.json": body})
    driver = opened(folder)
    assert {each.name: each.tables for each in driver.feeds} == {
        "boxes": ("boxes", "tags"),
        "racks": ("racks",),
        "plans": ("plans",),
    }
    found = driver.pull("boxes", Deadline.after(LONG))
    assert {name: rows(table) for name, table in found.items()} == {"boxes": [(1,)], "tags": [("a",), ("b",)]}
    assert told(driver, "racks")[0][0] == "CL416"
    assert told(driver, "plans")[0][0] == "CL416"
    written(tmp_path, {"boxes.json": '{"crates": []}'})
    assert told(driver, "boxes")[0][0] == "CL434"


def test_changed_rows(tmp_path: Path) -> None:
    """A pull has the rows that the file has then, and they stay what they were when the file changes later."""
    driver = opened(written(tmp_path, {"vm.csv": VM}))
    before = driver.pull("vm", Deadline.after(LONG))["vm"]
    written(tmp_path, {"vm.csv": "id,host,load\nc,h3,9\n"})
    assert pulled(driver) == [("c", "h3", 9)]
    assert rows(before) == [("a", "h1", 5), ("b", "h2", 7)]
    written(tmp_path, {"vm.csv": "id,host,load\n"})
    assert pulled(driver) == []


CHANGED: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "a column more": (
        {"vm.csv": "id,host,load,state\na,h1,5,up\n"},
        [("CL540", "table `vm` has no column `state`, but its file does")],
    ),
    "a column less": ({"vm.csv": "id,load\na,5\n"}, [("CL418", "`{}/vm.csv` has no column `host` of table `inv:vm`")]),
    "another type": (
        {"vm.csv": "id,host,load\na,h1,many\n"},
        [("CL407", '"many" in column `load`, which is of type int')],
    ),
    "half a row": ({"vm.csv": "id,host,load\na,h1,5\nb,h"}, [("CL405", "the row has 2 fields, the header 3")]),
    "two files": (
        {"vm.json": "[]"},
        [("CL415", "table `inv:vm` lies in two files, `vm.csv` and `vm.json`")],
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_changed_shape(tmp_path: Path, name: str) -> None:
    """A file that becomes another one is an error, never a table of other columns or fewer rows."""
    files, expected = CHANGED[name]
    driver = opened(written(tmp_path, {"vm.csv": VM}))
    assert len(pulled(driver)) == 2
    written(tmp_path, files)
    assert told(driver) == [(code, message.replace("{}", str(tmp_path))) for code, message in expected]


def test_columns_keep_their_types(tmp_path: Path) -> None:
    """A column is read as it was at first: one of texts stays so when all that is left looks like numbers."""
    driver = opened(written(tmp_path, {"vm.csv": "id,load\na,1\n007,2.5\n"}))
    assert pulled(driver) == [("a", 1.0), ("007", 2.5)]
    written(tmp_path, {"vm.csv": "id,load\n8,3\n"})
    assert pulled(driver) == [("8", 3)]


def test_removed_file(tmp_path: Path) -> None:
    """A file that goes is an error, not an empty table; when it comes back, all is well."""
    driver = opened(written(tmp_path, {"vm.csv": VM}))
    assert len(pulled(driver)) == 2
    (tmp_path / "vm.csv").unlink()
    assert told(driver) == [("CL416", "table `inv:vm` is needed, but no file holds it")]
    written(tmp_path, {"vm.ndjson": '{"id": "a", "host": "h1", "load": 1}'})
    assert pulled(driver) == [("a", "h1", 1)]


def test_new_file(tmp_path: Path) -> None:
    """A new file is no table until the source is opened anew."""
    driver = opened(written(tmp_path, {"vm.csv": VM}))
    assert [feed.name for feed in driver.feeds] == ["vm"]
    written(tmp_path, {"host.csv": "id\n"})
    assert [feed.name for feed in driver.feeds] == ["vm"]
    assert [feed.name for feed in opened(tmp_path).feeds] == ["host", "vm"]


def test_links(tmp_path: Path) -> None:
    """A link within the folder is followed, one that leads out of it is refused."""
    folder = written(tmp_path / "f", {".vm.1": VM})
    (folder / "vm.csv").symlink_to(".vm.1")
    driver = opened(folder)
    assert len(pulled(driver)) == 2
    written(tmp_path, {"secret.csv": VM})
    (folder / "vm.csv").unlink()
    (folder / "vm.csv").symlink_to("../secret.csv")
    assert told(driver) == [("CL542", "`vm.csv` is a link that leads out of the folder")]


def test_folder_missing(tmp_path: Path) -> None:
    """A folder that is not there is an error that says so, now or when it goes."""
    with pytest.raises(SourceError, match="does not exist"):
        len(opened(tmp_path / "none").feeds)
    driver = opened(written(tmp_path / "f", {"vm.csv": VM}))
    assert len(pulled(driver)) == 2
    (tmp_path / "f" / "vm.csv").unlink()
    (tmp_path / "f").rmdir()
    assert told(driver)[0][0] == "CL402"


def test_settings() -> None:
    """A setting that nobody knows is refused."""
    with pytest.raises(ValidationError, match="foldr"):
        Settings.model_validate({"foldr": "x"})


def test_slow_writer(tmp_path: Path) -> None:
    """A file that was written to just now is left alone until it rests, so that half of it is not taken for all."""
    folder = written(tmp_path, {"vm.csv": VM})
    driver = open_driver("inv", Settings(folder=folder, settle=2, look_every=1), None)
    assert len(pulled(driver)) == 2
    with ThreadPoolExecutor() as pool, (folder / "vm.csv").open("w", encoding="utf-8") as file:
        file.write("id,host,load\na,h1,5\n")
        file.flush()
        pull = pool.submit(pulled, driver)
        file.write("b,h2,7\nc,h3,9\n")
        file.flush()
        assert len(pull.result()) == 3


def test_restless_file(tmp_path: Path) -> None:
    """A file that never rests is an error that says how to write it instead."""
    folder = written(tmp_path, {"vm.csv": VM})
    driver = opened(folder)
    assert len(pulled(driver)) == 2
    done = Event()

    def write() -> None:
        while not done.is_set():
            (folder / "vm.csv").write_text(VM, encoding="utf-8")

    writer = Thread(target=write)
    writer.start()
    hint: str | None = None
    try:
        end = time.monotonic() + LONG
        while hint is None and time.monotonic() < end:
            # It may be lucky, or find the file just emptied, on a busy machine.
            try:
                pulled(driver)
            except SourceError as error:
                hint = next((each.hint for each in error.diagnostics if each.code == "CL443"), None)
    finally:
        done.set()
        writer.join()
    assert "rename it" in (hint or "")


# -- watching -------------------------------------------------------------------------------------


class Woken:
    """Notes which feeds somebody was woken for."""

    def __init__(self) -> None:
        self.feeds: Queue[str] = Queue()

    def __call__(self, feed: str, keys: Collection[str] | None = None) -> None:
        """The wake of a driver."""
        assert keys is None
        self.feeds.put(feed)

    def next(self) -> str:
        """The next feed."""
        return self.feeds.get(timeout=LONG)

    def nothing(self) -> bool:
        """Whether there is no other."""
        try:
            self.feeds.get(timeout=0.3)
        except Empty:
            return True
        return False


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Woken, folderwatch.FolderWatch]]:
    """A watch on a folder, while it lasts."""
    woken = Woken()
    watch = opened(folder).watch(woken)
    try:
        yield woken, watch
    finally:
        watch.close()


def rewrite(folder: Path) -> None:
    """The file is written over."""
    (folder / "vm.csv").write_text("id,host,load\n", encoding="utf-8")


def rename(folder: Path) -> None:
    """A file that is complete takes its place."""
    (folder / "vm.csv.new").write_text("id,host,load\n", encoding="utf-8")
    (folder / "vm.csv.new").rename(folder / "vm.csv")


def remove(folder: Path) -> None:
    """The file goes."""
    (folder / "vm.csv").unlink()


def swap(folder: Path) -> None:
    """The folder behind the file's link is another one, as it is done with mounted configuration."""
    (folder / "..new").symlink_to("..2")
    (folder / "..new").rename(folder / "..data")


@pytest.mark.parametrize("change", [rewrite, rename, remove, swap])
def test_watch(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """However a file changes, its feed is told of, once, and no other."""
    written(tmp_path / "..1", {"vm.csv": VM})
    written(tmp_path / "..2", {"vm.csv": "id,host,load\n"})
    written(tmp_path, {"host.csv": "id\n"})
    (tmp_path / "..data").symlink_to("..1")
    if change is swap:
        (tmp_path / "vm.csv").symlink_to("..data/vm.csv")
    else:
        written(tmp_path, {"vm.csv": VM})
    with watched(tmp_path) as (woken, watch):
        assert watch.fault is None
        change(tmp_path)
        assert woken.next() == "vm"
        assert woken.nothing()


def test_reading_is_no_change(tmp_path: Path) -> None:
    """Whoever is woken reads the file; that wakes nobody again."""
    driver = opened(written(tmp_path, {"vm.csv": VM}))
    with watched(tmp_path) as (woken, _):
        assert len(pulled(driver)) == 2
        assert woken.nothing()


def test_burst(tmp_path: Path) -> None:
    """Many changes in a row are told as few."""
    with watched(written(tmp_path, {"vm.csv": VM})) as (woken, _):
        for number in range(200):
            (tmp_path / "vm.csv").write_text(f"id\n{number}\n", encoding="utf-8")
        assert woken.next() == "vm"
        while not woken.nothing():
            pass
        assert woken.feeds.empty()


def test_folder_comes_back(tmp_path: Path) -> None:
    """A folder that goes and comes again is watched again, and in the meantime the watch says what is wrong."""
    folder = written(tmp_path / "f", {"vm.csv": VM})
    with watched(folder) as (woken, watch):
        folder.rename(tmp_path / "away")
        assert woken.next() == "vm"
        await_(lambda: watch.fault is not None)
        assert "no such file" in (watch.fault or "")
        written(folder, {"vm.csv": VM})
        assert woken.next() == "vm"
        await_(lambda: watch.fault is None)
        rewrite(folder)
        assert woken.next() == "vm"


def test_without_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system tells of no changes, they are seen later, and the watch says why."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(folderwatch, "Observer", full)
    with watched(written(tmp_path, {"vm.csv": VM})) as (woken, watch):
        assert watch.fault == f"changes in `{tmp_path}` are looked for every 0.2 s only: inotify watch limit reached"
        rewrite(tmp_path)
        assert woken.next() == "vm"


def await_(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "it never came"
        Event().wait(0.01)
