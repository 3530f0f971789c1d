"""The tables that policies may read, where a command has no data: from definitions, or on trust."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from congresslite.language.syntax import PolicyFile
    from congresslite.schema import Catalog, Column


def shipped_catalog() -> Catalog:
    """The tables of all source definitions that ship."""
    from congresslite.sources import catalog_of_definitions

    return catalog_of_definitions()


def data_catalog(data: Path) -> Catalog:
    """The tables of a folder of files. Raises SourceError."""
    from congresslite.sources import open_inventory

    return open_inventory(data).catalog


def with_definitions(catalog: Catalog) -> Catalog:
    """A catalog, and the definitions that ship of sources that it does not have."""
    from congresslite.schema import Catalog

    more = [table for name, table in shipped_catalog().items() if name.partition(":")[0] not in catalog.sources]
    return Catalog.of([*catalog.values(), *more], catalog.sources)


def assume_tables(files: Sequence[PolicyFile], known: Catalog) -> tuple[Catalog, set[str]]:
    """A catalog that also has the tables that policies read of sources nobody knows, and the names of these sources.

    What is known of a source that is named like a policy does not count: the policy is meant.
    """
    from congresslite.policy.fixtures import fixture_catalog, without_source
    from congresslite.schema import Catalog, TableSchema

    policies = {file.name for file in files}
    for policy in policies:
        known = without_source(known, policy)
    columns: dict[str, dict[str, Column]] = {}
    for file in files:
        for name, schema in fixture_catalog(file, (), known).items():
            if name not in known and name.partition(":")[0] not in policies:
                columns.setdefault(name, {}).update({column.name: column for column in schema.columns})
    assumed = [TableSchema(name, tuple(each.values())) for name, each in columns.items()]
    on_trust = {schema.name.partition(":")[0] for schema in assumed}
    return Catalog.of([*known.values(), *assumed], known.sources), on_trust
