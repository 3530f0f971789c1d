"""Which databases are opened, and what is said of the others."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from congresslite.diagnostics import CongressliteError
from congresslite.store.migrating import configured
from congresslite.store.store import Store
from congresslite.store.tables import METADATA, VERSION_TABLE
from tests.databases import emptied

WRONG = {
    "nothing": ("", "CL480"),
    "no URL": ("geheim", "CL480"),
    "another kind": ("mysql://root:geheim@localhost/x", "CL480"),
    "no file": ("sqlite://", "CL480"),
    "memory": ("sqlite:///:memory:", "CL480"),
    "a file that is a folder": ("sqlite:////", "CL481"),
    "no server": ("postgresql://anna:geheim@127.0.0.1:1/x", "CL481"),
    "no such host": ("postgresql://anna:geheim@host.invalid/x", "CL481"),
    "a malformed port": ("postgresql://anna:geheim@localhost:port/x", "CL480"),
}


@pytest.mark.parametrize(("url", "code"), WRONG.values(), ids=WRONG)
def test_wrong_urls(url: str, code: str) -> None:
    """A URL that leads to no database is a finding, in which no password stands."""
    with pytest.raises(CongressliteError) as caught:
        Store.open(url)
    assert [each.code for each in caught.value.diagnostics] == [code]
    assert "geheim" not in f"{caught.value} {caught.value!r} {caught.value.diagnostics!r}"
    assert caught.value.__cause__ is None


def test_a_password_is_never_told(postgresql: str) -> None:
    """Neither the store nor its database tells the password that it was opened with."""
    url = postgresql.replace("postgres@", "postgres:geheim@")
    with Store.open(url) as store:
        assert "geheim" not in f"{store!r} {store._database!r} {vars(store)}"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 1000, encoding="ascii")
    with pytest.raises(CongressliteError, match="CL482"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text(encoding="ascii").startswith("not a database")


def test_a_database_of_something_else(url: str) -> None:
    """A database with tables that are not ours is left as it is."""
    execute(url, "CREATE TABLE something (x INTEGER)")
    with pytest.raises(CongressliteError, match="something") as caught:
        Store.open(url)
    assert caught.value.diagnostics[0].code == "CL482"
    with pytest.raises(CongressliteError):
        Store.open(url)


def test_a_database_of_a_newer_version(url: str) -> None:
    """Tables that this version does not know are not touched."""
    Store.open(url).close()
    execute(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(CongressliteError, match="9999") as caught:
        Store.open(url)
    assert caught.value.diagnostics[0].code == "CL483"


def test_migrations_lead_to_the_tables_of_the_code(url: str) -> None:
    """The migrations make just the tables that the code describes."""
    with Store.open(url) as store, store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_there_is_one_last_migration(tmp_path: Path) -> None:
    """Alembic's own check finds nothing to do, with the migrations as they ship."""
    url = f"sqlite:///{tmp_path}/store.sqlite"
    Store.open(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        command.check(configured(connection))
    engine.dispose()


def test_one_process_writes(url: str) -> None:
    """A second process is told that the first one writes, and may write when that has ended, however it ended."""
    program = (
        "import sys\nfrom congresslite.store.store import Store\n"
        "store = Store.open(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(CongressliteError, match="CL484"):
            Store.open(url)
        other.kill()
    with Store.open(url) as store:
        with pytest.raises(CongressliteError, match="CL484"):
            Store.open(url)
        store.pushed.append("s", "t", [("a", "1")])


def test_a_connection_that_broke(postgresql: str) -> None:
    """A write on a broken connection fails as a finding, and the next one connects anew."""
    with Store.open(emptied(postgresql)) as store:
        store.pushed.append("s", "t", [("a", "1")])
        with psycopg.connect(postgresql, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'congresslite'"
            )
        with pytest.raises(CongressliteError, match="CL488"):
            store.pushed.append("s", "t", [("b", "2")])
        store.pushed.append("s", "t", [("c", "3")])
        assert dict(store.pushed.load("s", "t")[1]) == {"a": "1", "c": "3"}


def execute(url: str, statement: str) -> None:
    """Run a statement, not through the store."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(statement.encode())
