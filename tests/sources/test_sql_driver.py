"""The driver `sql`: what a database answers becomes typed tables, or an error, and nothing of it is ever changed."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from congresslite.diagnostics import SourceError
from congresslite.schema import Scalar, TableData, Type, canonical
from congresslite.sources import load_definition
from congresslite.sources.databases import Database, fault_of
from congresslite.sources.driver import Deadline, Part
from congresslite.sources.drivers.sql import Settings, SqlDriver, open_driver

POSTGRESQL = (
    os.environ.get("DATABASE_URL") or f"postgresql://{os.environ.get('PGUSER', 'postgres')}@127.0.0.1:5432/test"
)
MARIADB = os.environ.get("TEST_MARIADB") or "mariadb://root@127.0.0.1:3306/test"


class Lab:
    """A database of its own kind, in which a test makes what it needs."""

    def __init__(self, url: str) -> None:
        self.url = url
        driver = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
        parsed = make_url(url)
        self._engine = create_engine(
            parsed.set(drivername=driver.get(parsed.drivername, parsed.drivername)), poolclass=NullPool
        )

    @property
    def kind(self) -> str:
        """What speaks there."""
        return make_url(self.url).get_backend_name()

    def run(self, *statements: str) -> None:
        """Run statements and keep what they do."""
        with self._engine.begin() as connection:
            for each in statements:
                connection.exec_driver_sql(each)

    def count(self, table: str) -> int:
        """How many rows there are."""
        with self._engine.begin() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

    def driver(self, query: str, **more: Any) -> SqlDriver:
        """A driver with one table, `t`."""
        table: dict[str, Any] = {key: more.pop(key) for key in ("columns", "key", "owner") if key in more}
        return opened({"url": self.url, "tables": {"t": {"query": query, **table}}, **more})


def opened(settings: Mapping[str, Any]) -> SqlDriver:
    """The driver with these settings."""
    return open_driver("inv", Settings.model_validate(settings), None)


def pulled(driver: SqlDriver, table: str = "t", seconds: float = 20) -> list[tuple[Scalar, ...]]:
    """The rows of a pull."""
    found = driver.pull(table, Deadline.after(seconds))
    assert list(found) == [table]
    held = found[table]
    assert not isinstance(held, Part)
    return rows(held)


def rows(table: TableData) -> list[tuple[Scalar, ...]]:
    """The rows of a table in the order of its columns."""
    values = table.columns([each.name for each in table.schema.columns])
    lists = [each if isinstance(each, list) else each.to_pylist() for each in values.values()]
    assert all(len(each) == table.num_rows for each in lists)
    return [tuple(map(canonical, row)) for row in zip(*lists, strict=True)]


def told(error: SourceError) -> list[tuple[str, str]]:
    """Code and message of each finding."""
    return [(each.code, each.message) for each in error.diagnostics]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """Each kind of database, with a table `vm` of three rows."""
    name = f"vm_{os.getpid()}"
    url = {"sqlite": f"sqlite:///{tmp_path / 'lab.db'}", "postgresql": POSTGRESQL, "mariadb": MARIADB}[request.param]
    made = Lab(url)
    try:
        made.run(f"CREATE TABLE {name} (id varchar(20), host varchar(20), load_ int)")
    except SQLAlchemyError as error:
        assert os.environ.get("CI") != "true", f"no {request.param} at {url}: {error}"
        pytest.skip(f"no {request.param} at {url}")
    made.run(f"INSERT INTO {name} VALUES ('a', 'h1', 5), ('b', 'h2', 7), ('c', NULL, NULL)")
    yield made
    made.run(f"DROP TABLE {name}")


VM = f"vm_{os.getpid()}"


def test_rows(lab: Lab) -> None:
    """A query's rows are the table's, in the columns that were declared, whatever their order in the query."""
    columns = {"id": "str", "load": "int", "host": "str"}
    driver = lab.driver(f"SELECT id, host, load_ AS load FROM {VM} -- all of them", columns=columns, key=["id"])
    if lab.kind == "mariadb":
        driver = lab.driver(f"SELECT id, host, load_ AS `load` FROM {VM};", columns=columns, key=["id"])
    assert driver.schemas["t"].name == "inv:t"
    assert driver.schemas["t"].key == ("id",)
    assert [(feed.name, feed.tables) for feed in driver.feeds] == [("t", ("t",))]
    assert sorted(pulled(driver)) == [("a", 5, "h1"), ("b", 7, "h2"), ("c", None, None)]
    lab.run(f"DELETE FROM {VM} WHERE id = 'b'")
    assert sorted(pulled(driver)) == [("a", 5, "h1"), ("c", None, None)]
    lab.run(f"DELETE FROM {VM}")
    assert pulled(driver) == []


def test_undeclared(lab: Lab) -> None:
    """Columns that nobody declared are those of the first answer, and stay so: another type later is an error."""
    driver = lab.driver(f"SELECT id, load_ AS n FROM {VM}", key=["id"])
    assert [(each.name, each.type, each.declared) for each in driver.schemas["t"].columns] == [
        ("id", Type.STR, False),
        ("n", Type.INT, False),
    ]
    lab.run(f"ALTER TABLE {VM} ADD COLUMN extra int")
    assert len(pulled(driver)) == 3
    star = lab.driver(f"SELECT * FROM {VM}")
    assert len(pulled(star)) == 3
    lab.run(f"ALTER TABLE {VM} DROP COLUMN extra")
    with pytest.raises(SourceError) as error:
        pulled(star)
    assert told(error.value) == [("CL540", "table `t`: the query gives no column `extra`")]


VALUES: dict[str, list[tuple[str, object]]] = {
    "sqlite": [
        ("SELECT 12.50", 12.5),
        ("SELECT 1.0", 1),
        ("SELECT x'00ff'", "00ff"),
        ("SELECT 'a%b:c'", "a%b:c"),
        ("SELECT 9223372036854775807", 9223372036854775807),
    ],
    "postgresql": [
        ("SELECT 12.50", 12.5),
        ("SELECT 3.00", 3),
        ("SELECT true", True),
        ("SELECT timestamp '2026-03-01 08:30:00'", "2026-03-01T08:30:00Z"),
        ("SELECT timestamptz '2026-03-01 08:30:00.5+02'", "2026-03-01T06:30:00.500000Z"),
        ("SELECT date '2026-03-01'", "2026-03-01"),
        ("SELECT time '08:30'", "08:30:00"),
        ("SELECT interval '90 minutes'", 5400),
        ("SELECT '\\x00ff'::bytea", "00ff"),
        ("SELECT 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("SELECT '10.0.0.1'::inet", "10.0.0.1"),
        ("SELECT '10.0.0.0/8'::cidr", "10.0.0.0/8"),
        ("SELECT 'a%b:c' WHERE 'a' LIKE 'a%'", "a%b:c"),
        ("SELECT $$it's; $$ || 'x;y'", "it's; x;y"),
    ],
    "mariadb": [
        ("SELECT 12.50", 12.5),
        ("SELECT 3.00", 3),
        ("SELECT TIMESTAMP'2026-03-01 08:30:00'", "2026-03-01T08:30:00Z"),
        ("SELECT DATE'2026-03-01'", "2026-03-01"),
        ("SELECT TIME'01:30:00'", 5400),
        ("SELECT UNHEX('00ff')", "00ff"),
        ("SELECT 'a%b:c' WHERE 'a' LIKE 'a%'", "a%b:c"),
    ],
}


def test_values(lab: Lab) -> None:
    """Each type of a database has one spelling in the language, whatever the database."""
    for query, value in VALUES[lab.kind]:
        (row,) = pulled(lab.driver(query))
        assert row == (value,), query
        assert type(row[0]) is type(value), query


WITHOUT_PLACE = [
    ("SELECT 'nan'::float8 AS x", "CL412", "row 1, column `x`: a number too big, or none at all"),
    ("SELECT 'NaN'::numeric AS x", "CL412", "row 1, column `x`: a number too big"),
    ("SELECT 99999999999999999999::numeric AS x", "CL412", "does not fit in 64 bits"),
    ("SELECT ARRAY[1, 2] AS x", "CL411", "a list within a row"),
    ("SELECT '{\"a\": 1}'::jsonb AS x", "CL411", "an object within a row"),
    ("SELECT (1, 2) AS x", "CL411", "within a row"),
    ("SELECT 1 AS x UNION ALL SELECT NULL", "", ""),
]


@pytest.mark.parametrize("lab", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("query", "code", "message"), WITHOUT_PLACE)
def test_values_without_place(lab: Lab, query: str, code: str, message: str) -> None:
    """What the language has no value for is an error that names the row and the column."""
    driver = lab.driver(query)
    if not code:
        assert pulled(driver) == [(1,), (None,)]
        return
    with pytest.raises(SourceError) as error:
        pulled(driver)
    (found,) = error.value.diagnostics
    assert found.code == code
    assert message in found.message


QUERIES: dict[str, tuple[str, str | None]] = {
    "plain": ("SELECT 1", None),
    "in brackets": ("(SELECT 1) UNION (SELECT 2)", None),
    "with": ("WITH a AS (SELECT 1) SELECT * FROM a;", None),
    "a comment before": ("-- delete nothing;\n/* nor; insert */ SELECT 1 ;", None),
    "words in texts": ("SELECT 'delete; it''s', \"update\", `into` FROM insert_log", None),
    "two": ("SELECT 1; SELECT 2", "there is more than one statement"),
    "a change": ("UPDATE t SET a = 1", "a query starts with `SELECT` or `WITH`"),
    "nothing": ("  ", "a query starts with `SELECT` or `WITH`"),
    "a pragma": ("PRAGMA table_info(t)", "a query starts with `SELECT` or `WITH`"),
    "a change within": ("WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", "`DELETE` is no part of a query"),
    "a file": ("SELECT 1 INTO OUTFILE '/tmp/x'", "`INTO` is no part of a query"),
    "a lock": ("SELECT * FROM t FOR UPDATE", "`UPDATE` is no part of a query"),
    "a comment that runs": ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "`/*!` is no part of a query"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_one_query(name: str) -> None:
    """Only one statement that reads is taken, and texts, names and comments may say what they like."""
    query, expected = QUERIES[name]
    fault = fault_of(query)
    assert (fault is None) == (expected is None)
    assert fault is None or fault.startswith(expected or "")


def test_read_only(lab: Lab) -> None:
    """The connection refuses what gets by the look at a query: the words of a change may be hidden in a function."""
    change = {
        "sqlite": f"DELETE FROM {VM}",
        "postgresql": f"SELECT setval('{VM}_id', 7)",
        "mariadb": f"DELETE FROM {VM}",
    }[lab.kind]
    if lab.kind == "postgresql":
        lab.run(f"CREATE SEQUENCE {VM}_id OWNED BY {VM}.id")
        assert fault_of(change) is None
    with pytest.raises(SourceError) as error:
        Database(lab.url, None, 10).ask(change, Deadline.after(20), 10)
    (found,) = error.value.diagnostics
    assert found.code == "CL539"
    assert re.search(r"read-?only|READ ONLY", found.message)
    assert lab.count(VM) == 3


def test_missing_file(tmp_path: Path) -> None:
    """A database file that is not there is an error, and is not made."""
    path = tmp_path / "none.db"
    with pytest.raises(SourceError, match="there is no database file"):
        pulled(Lab(f"sqlite:///{path}").driver("SELECT 1"))
    assert not path.exists()


def test_a_missing_file_by_part_of_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gave part of a path is told where the file was looked for."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as error:
        pulled(Lab("sqlite:///none.db").driver("SELECT 1"))
    assert error.value.diagnostics[0].hint == f"it was looked for in `{tmp_path}`: write its full path"


def test_write_ahead_log(tmp_path: Path) -> None:
    """A SQLite file with a write-ahead log is read while somebody writes, and after."""
    path = tmp_path / "wal.db"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE a (x int)")
    driver = Lab(f"sqlite:///{path}").driver("SELECT x FROM a", columns={"x": "int"})
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO a VALUES (1)")
    assert pulled(driver) == []
    writer.execute("COMMIT")
    assert pulled(driver) == [(1,)]
    writer.close()
    assert pulled(driver) == [(1,)]


SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
    "postgresql": "SELECT pg_sleep(60)::text",
    "mariadb": "SELECT count(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
}


def test_slow_query(lab: Lab) -> None:
    """A query that takes too long is stopped at the deadline."""
    driver = lab.driver(SLOW[lab.kind])
    with pytest.raises(SourceError) as error:
        pulled(driver, seconds=0.5)
    assert error.value.diagnostics[0].code == "CL474"


def test_too_many_rows(lab: Lab) -> None:
    """More rows than wanted are an error, without fetching the rest of them."""
    endless = {
        "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
        "postgresql": "SELECT generate_series(1, 1000000000) AS x",
        "mariadb": "SELECT seq AS x FROM seq_1_to_1000000000",
    }[lab.kind]
    with pytest.raises(SourceError) as error:
        pulled(lab.driver(endless, max_rows=9999))
    assert told(error.value) == [("CL541", "table `t`: the query gives more than 9999 rows")]
    assert len(pulled(lab.driver(f"SELECT id FROM {VM}", max_rows=3))) == 3


def test_other_columns(lab: Lab) -> None:
    """Columns that are missing, too many or there twice are an error that says which."""
    driver = lab.driver(f"SELECT id, host AS hots FROM {VM}", columns={"id": "str", "host": "str"})
    with pytest.raises(SourceError) as error:
        pulled(driver)
    assert told(error.value) == [
        ("CL540", "table `t`: the query gives no column `host`"),
        ("CL540", "table `t` has no column `hots`, but the query gives it"),
    ]
    assert error.value.diagnostics[0].hint == "did you mean `hots`?"
    with pytest.raises(SourceError, match="two columns are named `id`"):
        pulled(lab.driver(f"SELECT id, id FROM {VM}"))
    with pytest.raises(SourceError, match="table `t` has no column `name`"):
        pulled(lab.driver(f"SELECT id FROM {VM}", key=["name"]))


def test_wrong_type(lab: Lab) -> None:
    """A value that does not fit its declared column is an error with its row."""
    driver = lab.driver(f"SELECT host FROM {VM} ORDER BY id", columns={"host": "int"})
    with pytest.raises(SourceError) as error:
        pulled(driver)
    message = 'table `t`, row 1, column `host`: a string, "h1", where the column is of type int'
    assert told(error.value) == [("CL407", message)]


def test_failed_query(lab: Lab) -> None:
    """A query that the database does not understand is told in its own words."""
    with pytest.raises(SourceError) as error:
        pulled(lab.driver("SELECT nothing_of_that_name FROM nowhere_at_all"))
    (found,) = error.value.diagnostics
    assert found.code == "CL539"
    assert found.message.startswith("table `t`: the query failed: ")
    assert "nowhere_at_all" in found.message
    assert found.place is not None
    assert found.place.startswith(f"{lab.kind}://")


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_out_of_reach(scheme: str) -> None:
    """A database that does not answer is an error, soon, and no secret is told with it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        url = f"{scheme}://reader:top%2Fsecret@127.0.0.1:{port}/cmdb?application_name=hidden"
        if scheme == "mariadb":
            url = url.partition("?")[0]
        driver = Lab("sqlite://").driver("SELECT 1 AS x", url=url)
        # It is connected to, and says nothing.
        with pytest.raises(SourceError) as silent:
            pulled(driver, seconds=0.5)
    with pytest.raises(SourceError) as refused:
        pulled(driver)
    assert refused.value.diagnostics[0].code == "CL538"
    assert refused.value.diagnostics[0].place == f"{scheme}://127.0.0.1:{port}/cmdb"
    for text in (str(silent.value), str(refused.value), repr(refused.value.diagnostics), repr(driver)):
        assert "secret" not in text
        assert "hidden" not in text


@pytest.mark.parametrize("lab", ["postgresql", "mariadb"], indirect=True)
def test_mute_database(lab: Lab) -> None:
    """A database that stops in the middle of a query, and that nothing more is heard of, is given up."""
    with mute_after(lab.url, b"mark_of_the_query") as url:
        driver = Lab("sqlite://").driver("SELECT 1 AS mark_of_the_query", url=url)
        with pytest.raises(SourceError) as error:
            pulled(driver, seconds=1)
    assert error.value.diagnostics[0].code == "CL474"


@contextmanager
def mute_after(url: str, mark: bytes) -> Iterator[str]:
    """The address of a way to a database that passes on everything until it sees a mark, and nothing afterwards."""
    parsed = make_url(url)
    target = (parsed.host or "127.0.0.1", parsed.port or {"postgresql": 5432}.get(parsed.get_backend_name(), 3306))
    mute = threading.Event()
    wires: list[socket.socket] = []

    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65536):
            if mark in data:
                mute.set()
            if not mute.is_set():
                sink.sendall(data)

    def accept() -> None:
        client, _ = server.accept()
        behind = socket.create_connection(target)
        wires.extend((client, behind))
        for one, other in ((client, behind), (behind, client)):
            thread = threading.Thread(target=pass_on, args=(one, other), daemon=True)
            thread.start()
            threads.append(thread)

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield parsed.set(host="127.0.0.1", port=server.getsockname()[1]).render_as_string(hide_password=False)
        accepting.join(10)
        for wire in wires:
            wire.shutdown(socket.SHUT_RDWR) if wire.fileno() >= 0 else None
        for thread in threads:
            thread.join(10)
        for wire in wires:
            wire.close()
    assert mute.is_set()


BAD_SETTINGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no address": ({"url": "not an address"}, "CL538", "the address of the database is malformed"),
    "no driver": ({"url": "frogbase://h/d"}, "CL538", "nothing that speaks `frogbase` is installed"),
    "another driver": ({"url": "oracle://h/d"}, "CL538", "nothing that speaks `oracle` is installed"),
    "no query": ({"tables": {"t": {"query": "DROP TABLE t"}}}, "CL537", "the query of table `t` cannot be used"),
    "a key that is no column": (
        {"tables": {"t": {"query": "SELECT 1", "columns": {"id": "str"}, "key": ["ID"]}}},
        "CL424",
        "table `t` has no column `ID`",
    ),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_bad_settings(name: str) -> None:
    """Settings that cannot work are told before anything is connected."""
    more, code, message = BAD_SETTINGS[name]
    with pytest.raises(SourceError) as error:
        opened({"url": "sqlite:////nowhere.db", "tables": {"t": {"query": "SELECT 1"}}, **more})
    (found,) = error.value.diagnostics
    assert found.code == code
    assert message in found.message


def test_unknown_settings() -> None:
    """A setting that nobody knows is refused, and the address does not show in what is printed."""
    with pytest.raises(ValidationError, match="quary"):
        Settings.model_validate({"url": "sqlite://", "tables": {"t": {"quary": "SELECT 1"}}})
    settings = Settings.model_validate({"url": "mysql://u:secret@h/d", "tables": {"t": {"query": "SELECT 1"}}})
    assert "secret" not in repr(settings)


CMDB = """
source: cmdb
tables:
  host: {key: [id], owner: site, columns: {id: str, site: {type: str, references: "pop:sites.id"}}}
"""


def test_definition(tmp_path: Path) -> None:
    """With a definition, its tables' columns and keys hold, and only its tables can be asked for."""
    (tmp_path / "cmdb.yaml").write_text(CMDB, encoding="utf-8")
    definition = load_definition(tmp_path / "cmdb.yaml")
    path = tmp_path / "lab.db"
    path.touch()
    settings = {"url": f"sqlite:///{path}", "tables": {"host": {"query": "SELECT 's1' AS site, 'h1' AS id"}}}
    driver = open_driver("paris", Settings.model_validate(settings), definition)
    assert driver.schemas["host"].name == "paris:host"
    assert driver.schemas["host"].key == ("id",)
    assert driver.owners == {"host": "site"}
    assert pulled(driver, "host") == [("h1", "s1")]
    wrong = {"hots": {"query": "SELECT 1"}, "host": {"query": "SELECT 1", "key": ["id"]}}
    with pytest.raises(SourceError) as error:
        open_driver("paris", Settings.model_validate({**settings, "tables": wrong}), definition)
    assert told(error.value) == [
        ("CL421", "the definition has no table `hots`"),
        ("CL422", "table `host` is declared by the definition already"),
    ]
