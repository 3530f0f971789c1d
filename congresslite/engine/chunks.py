"""Columns as Arrow has them: in chunks, with dictionaries of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from congresslite.schema import ColumnValues

Ids = NDArray[np.int32]

NULL_ID = 0


def is_string(column: ColumnValues) -> bool:
    """Whether a column is one of Arrow's strings."""
    return not isinstance(column, list) and pa.types.is_string(column.type)


def ids_of_chunk(chunk: Any, ids_of_codes: Ids, *, in_a_row: bool) -> Ids:
    """The ids of a dictionary-encoded chunk."""
    nulls = chunk.indices.null_count > 0
    codes = np.asarray(chunk.indices.fill_null(0) if nulls else chunk.indices)
    if len(ids_of_codes) == 0:
        return np.zeros(len(codes), np.int32)
    ids: Ids = codes + ids_of_codes[0] if in_a_row else ids_of_codes[codes]
    return np.where(np.asarray(chunk.is_null()), np.int32(NULL_ID), ids) if nulls else ids


def joined(parts: list[Ids]) -> Ids:
    """The ids of all chunks."""
    if len(parts) == 1:
        return np.ascontiguousarray(parts[0])
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
