"""Modal rules of other engines, whose rows are here as rows of a source's table."""

from __future__ import annotations

from dataclasses import dataclass

from congresslite.language.program import PolicySettings
from congresslite.language.syntax import Modal


@dataclass(frozen=True, slots=True)
class ForeignRule:
    """A modal rule of another engine.

    Its rows are those of the source table `table` whose first four columns are the engine, the policy's name, the
    rule's identity and `modal[atom]`; the atom's `arity` terms stand in the columns after these.
    """

    engine: str
    policy: PolicySettings
    rule: str  # identity
    modal: Modal
    atom: str
    arity: int
    hard: bool
    table: str
    file: str = ""
    line: int = 0
