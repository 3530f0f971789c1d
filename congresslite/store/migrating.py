"""
Bringing a database to the tables of this version.

What is there is looked at first: a database of something else, or of a newer
congresslite, is left as it is.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from congresslite.diagnostics import Diagnostic
from congresslite.store.database import Database
from congresslite.store.errors import StoreError
from congresslite.store.tables import VERSION_TABLE


def configured(connection: Connection | None = None) -> Config:
    """Alembic's configuration: the migrations that ship, on this connection."""
    config = Config()
    config.set_main_option("script_location", "congresslite.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate(database: Database) -> None:
    """Bring a database up to this version, whole or not at all. Raises StoreError."""
    known = ScriptDirectory.from_config(configured())
    with database.write() as connection:
        revision = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
        if revision is None:
            _refuse_foreign(connection, database.where)
        elif revision not in {each.revision for each in known.walk_revisions()}:
            message = f"this database is of a newer congresslite (its tables are of version `{revision}`)"
            hint = "install that version, or take another database"
            raise StoreError(Diagnostic("CL483", message, place=database.where, hint=hint))
        if revision != known.get_current_head():
            command.upgrade(configured(connection), "head")


def _refuse_foreign(connection: Connection, where: str) -> None:
    tables = inspect(connection).get_table_names()
    if tables:
        message = f"this is no database of congresslite: it has a table `{min(tables)}`"
        raise StoreError(Diagnostic("CL482", message, place=where, hint="take an empty one"))
