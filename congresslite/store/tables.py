"""
The tables of the store, for SQLite and PostgreSQL alike.

What a violation has in common with others of its rule is in `rules`. Its
`state` leads every index that pages go by, so that history makes no page of
what is open slower; `seq` ends each of them, so that a page is read from where
the last one ended.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

from congresslite.store.texts import AnyText

METADATA = MetaData()
# Not Alembic's own name: a database of some other program that Alembic keeps must not look like ours.
VERSION_TABLE = "congresslite_version"

# Ordered by bytes everywhere; the numbers of SQLite's keys are integers of any size.
_Name = Text().with_variant(Text(collation="C"), "postgresql")
_Number = BigInteger().with_variant(Integer(), "sqlite")
_Time = Float(53)

OPEN, WAIVED, RESOLVED = 0, 1, 2

RULES = Table(
    "rules",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False, unique=True),  # of policy and rule: a rule's text may be long
    Column("policy", AnyText, nullable=False),
    Column("rule", AnyText, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("table", AnyText, nullable=False),
    Column("columns", Text, nullable=False),  # JSON
    Column("tables", Text, nullable=False),  # JSON
    Column("file", AnyText, nullable=False),
    Column("line", Integer, nullable=False),
)

VIOLATIONS = Table(
    "violations",
    METADATA,
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("id", LargeBinary, nullable=False),
    Column("rule", Integer, ForeignKey("rules.number"), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("row", Text, nullable=False),  # JSON
    Column("object", _Name, nullable=False),
    Column("tenant", _Name, nullable=False),
    Column("site", _Name, nullable=False),
    Column("message", Text, nullable=False),
    Column("first_seen", _Time, nullable=False),
    Column("resolved_at", _Time),
    Column("resolved_by", Text),
    Column("waiver", AnyText),
    Column("opened_in", _Number, nullable=False),
    Column("closed_in", _Number, nullable=False),  # 0 while it is not
    # One open episode an id, and the episodes of an id.
    Index("violations_id", "id", "closed_in", unique=True),
    Index("violations_first_seen", "first_seen", "seq"),
    Index(
        "violations_closed_in", "closed_in", sqlite_where=text("closed_in > 0"), postgresql_where=text("closed_in > 0")
    ),
    Index("violations_rule", "state", "rule", "seq"),
    # The site too: whoever wants the violations of a site by object reads them from here.
    Index("violations_object", "state", "rule", "object", "seq", "site"),
    Index("violations_tenant", "state", "tenant", "rule", "seq"),
    Index("violations_site", "state", "site", "rule", "seq"),
)

BATCHES = Table(
    "batches",
    METADATA,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("at", _Time, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("resolved", Integer, nullable=False),
    Column("first_seq", _Number, nullable=False),  # of the episodes that it opened
)

POLICY_VERSIONS = Table(
    "policy_versions",
    METADATA,
    Column("name", AnyText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", AnyText),
    Column("created_at", _Time, nullable=False),
    Column("created_by", AnyText, nullable=False),
    Column("origin", Text, nullable=False),
    Column("path", AnyText, nullable=False),
)

SOURCES = Table(
    "sources",
    METADATA,
    Column("name", AnyText, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("settings", LargeBinary),  # encrypted; none once it was removed
    Column("created_at", _Time, nullable=False),
    Column("created_by", AnyText, nullable=False),
)

FEEDS = Table(
    "feeds",
    METADATA,
    Column("source", AnyText, primary_key=True),
    Column("feed", AnyText, primary_key=True),
    Column("last_success", _Time),
    Column("last_attempt", _Time),
    Column("stale_since", _Time),
    Column("error", Text, nullable=False),  # JSON
)

WAIVERS = Table(
    "waivers",
    METADATA,
    Column("id", AnyText, primary_key=True),
    Column("owner", AnyText, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("ticket", AnyText, nullable=False),
    Column("expires", AnyText, nullable=False),
    Column("violation", AnyText),
    Column("policy", AnyText),
    Column("rule", AnyText),
    Column("object", AnyText),
    Column("created_at", _Time, nullable=False),
    Column("created_by", AnyText, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", _Number, primary_key=True),
    Column("at", _Time, nullable=False),
    Column("actor", AnyText, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", AnyText, nullable=False),
    Column("target", AnyText, nullable=False),
    Column("outcome", AnyText, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("address", AnyText, nullable=False),
    Column("request", AnyText, nullable=False),
)

CHECKS = Table(
    "checks",
    METADATA,
    Column("seq", _Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", _Time, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("proposal", Text, nullable=False),  # JSON
    Column("document", Text, nullable=False),  # JSON
    Column("applied_at", _Time),
    Column("applied_by", AnyText),
)

ACTIONS = Table(
    "actions",
    METADATA,
    Column("seq", _Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("command", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("policy", AnyText, nullable=False),
    Column("rule", AnyText, nullable=False),
    Column("mode", Text, nullable=False),
    Column("action", AnyText, nullable=False),
    Column("arguments", Text, nullable=False),  # JSON
    Column("object", AnyText, nullable=False),
    Column("kind", AnyText, nullable=False),
    Column("tenant", AnyText),
    Column("site", AnyText),
    Column("state", Text, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("guard", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("not_before", _Time),
    Column("commanded", Boolean, nullable=False),
    Column("undoes", Text),
    Column("created_at", _Time, nullable=False),
    Column("started_at", _Time),
    Column("ended_at", _Time),
    Column("changed_at", _Time, nullable=False),
    Column("epoch", _Number, nullable=False),
    Column("reference", AnyText, nullable=False),
    Column("output", Text, nullable=False),  # JSON
    Column("approved_by", AnyText, nullable=False),
    Column("steps", Integer, nullable=False),
    Index("actions_state", "state", "seq"),
    Index("actions_started", "started_at"),
    Index("actions_commanded", "seq", sqlite_where=text("commanded"), postgresql_where=text("commanded")),
)

ACTION_STEPS = Table(
    "action_steps",
    METADATA,
    Column("action", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", _Time, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("by", AnyText, nullable=False),
)

# What is paused: everything (an empty scope), a target (`nova`), or a policy (`policy NAME`).
ACTION_PAUSES = Table(
    "action_pauses",
    METADATA,
    Column("scope", AnyText, primary_key=True),
    Column("at", _Time, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("reason", AnyText, nullable=False),
)

# The one process that writes and acts, of those that could: one row, in which times are those of the database's clock.
LEASES = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("epoch", _Number, nullable=False),  # one more at each takeover
    Column("holder", Text, nullable=False),
    Column("label", AnyText, nullable=False),  # what people call it
    Column("address", AnyText, nullable=False),
    Column("host", AnyText, nullable=False),
    Column("boot", Text, nullable=False),
    Column("space", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", _Number, nullable=False),
    Column("backend", Integer, nullable=False),  # the session that it writes with
    Column("backend_started", Text, nullable=False),
    Column("seconds", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("unproved", _Number, nullable=False),  # the last epoch whose holder may still live
)

STANDBYS = Table(
    "standbys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("label", AnyText, nullable=False),
    Column("address", AnyText, nullable=False),
    Column("expires_at", _Time, nullable=False),
)

LOGS = Table(
    "logs",
    METADATA,
    Column("seq", _Number, primary_key=True),
    Column("at", _Time, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("category", _Name, nullable=False),
    Column("message", AnyText, nullable=False),
    Column("tags", AnyText, nullable=False),  # a line for each, `key:value`
    Index("logs_category", "category", "seq"),
    Index("logs_at", "at"),
)

PUSHED_BASES = Table(
    "pushed_bases",
    METADATA,
    Column("source", AnyText, primary_key=True),
    Column("table", AnyText, primary_key=True),
    Column("base", AnyText),
)

# The files of those bases, in parts, where another process may have to go on with them.
PUSHED_FILES = Table(
    "pushed_files",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

PUSHED_CHANGES = Table(
    "pushed_changes",
    METADATA,
    Column("source", AnyText, primary_key=True),
    Column("table", AnyText, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),  # of the key, which may be long
    Column("key", AnyText, nullable=False),
    Column("row", AnyText),
)
