"""The lease of the process that leads, those that stand by, what they share, and lines of the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Float(53)


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("epoch", NUMBER, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started", NUMBER, nullable=False),
        sa.Column("backend", sa.Integer(), nullable=False),
        sa.Column("backend_started", sa.Text(), nullable=False),
        sa.Column("seconds", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("unproved", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )

    op.create_table(
        "standbys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

    op.create_table(
        "pushed_files",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", "part"),
    )

    op.create_table(
        "logs",
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("category", NAME, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("logs_category", "logs", ["category", "seq"])
    op.create_index("logs_at", "logs", ["at"])
