"""
The evaluator that leaves the work to a database: DuckDB, or PostgreSQL.

DuckDB serves estates larger than memory, and as a second opinion: joins,
grouping and recursion are its own. The rule to keep: one code for both. What
they need different is a dialect (`congresslite.plan.sql`) and a connection.
"""

from congresslite.engine.sql.answers import SqlAnswers, duckdb_answers, postgresql_answers

__all__ = ["SqlAnswers", "duckdb_answers", "postgresql_answers"]
