"""Where tables come from: folders of files, source definitions, recorded replies."""

from congresslite.sources.asking import Reply
from congresslite.sources.definitions import (
    Definition,
    catalog_of_definitions,
    load_definition,
    shipped_definition,
    shipped_names,
)
from congresslite.sources.files import Inventory, open_inventory
from congresslite.sources.owners import owner_path

__all__ = [
    "Definition",
    "Inventory",
    "Reply",
    "catalog_of_definitions",
    "load_definition",
    "open_inventory",
    "owner_path",
    "shipped_definition",
    "shipped_names",
]
