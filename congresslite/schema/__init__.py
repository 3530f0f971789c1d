"""Values, table schemas and columns of rows: the vocabulary that language, engine and sources share."""

from congresslite.schema.changes import Changes, Delta, Replacement
from congresslite.schema.data import ColumnsTable, ColumnValues, RowsTable, TableData
from congresslite.schema.tables import (
    Catalog,
    Choice,
    Column,
    Domain,
    Range,
    Reference,
    TableSchema,
    Type,
    comparable,
    join_types,
)
from congresslite.schema.values import (
    INT_MAX,
    INT_MIN,
    Row,
    Scalar,
    as_float,
    canonical,
    identity,
    order_key,
    row_identity,
)

__all__ = [
    "INT_MAX",
    "INT_MIN",
    "Catalog",
    "Changes",
    "Choice",
    "Column",
    "ColumnValues",
    "ColumnsTable",
    "Delta",
    "Domain",
    "Range",
    "Reference",
    "Replacement",
    "Row",
    "RowsTable",
    "Scalar",
    "TableData",
    "TableSchema",
    "Type",
    "as_float",
    "canonical",
    "comparable",
    "identity",
    "join_types",
    "order_key",
    "row_identity",
]
