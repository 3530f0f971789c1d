"""
Handed down: the policies of the tiers below, as they leave this engine and as they come to the one below.

    above: own policies and those handed to it ──▶ Handing ──stream──▶ Handed: below, stored and acknowledged

The rule to keep: what was handed down stays until the parent says otherwise, so a lower tier goes on alone. A policy is
known by the digest of its text at every hop, so that one that did not change is never handed down twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from congresslite.federation.host import Given, HeldPolicy
from congresslite.federation.refusals import Refusals
from congresslite.federation.relations import DOWN, fits
from congresslite.federation.replica import Apply, Replace, Step
from congresslite.schema import Delta, Row


def etag_of(name: str, text: str) -> str:
    """What changes whenever the policy does, and is the same wherever it is handed on."""
    return f"{name}-{blake2b(text.encode(errors='surrogatepass'), digest_size=8).hexdigest()}"


class Handing:
    """What one child is handed. One thread uses it."""

    def __init__(self, engine: str, below: Sequence[str]) -> None:
        self.rows: frozenset[Row] = frozenset()
        self._engine, self._below = engine, below

    def tell(self, policies: Iterable[HeldPolicy], translated: Mapping[str, Given]) -> Mapping[str, Delta]:
        """Let the child be handed those of these that are for tiers below, and what was translated for it."""
        given = {each.name: each for each in policies if each.tier in self._below}
        every: dict[str, Given | HeldPolicy] = {**translated, **given}
        rows: set[Row] = {
            (name, each.tier, etag_of(name, each.text), each.text, each.origin or self._engine)
            for name, each in every.items()
        }
        before, self.rows = self.rows, frozenset(rows)
        return {DOWN: Delta(tuple(rows - before), tuple(before - rows))} if before != rows else {}

    def state(self) -> Mapping[str, Iterable[Row]]:
        """The relation of the stream."""
        return {DOWN: self.rows}


class Handed:
    """What an engine was handed, and what became of it. One thread uses it; any may read `became`."""

    def __init__(self, engine: str, level: str, parent: str, refusals: Refusals) -> None:
        self.begun = False  # whether the parent has said what it hands down
        self.became: frozenset[Row] = frozenset()
        self._engine, self._level, self._parent, self._refusals = engine, level, parent, refusals
        self._rows: set[Row] = set()

    @property
    def refused(self) -> bool:
        """Whether something was refused, and may be taken once something else has changed."""
        return any(row[3] == "refused" for row in self.became)

    def take(self, step: Step) -> None:
        """Note what the parent said."""
        match step:
            case Replace(relations):
                self.begun = True
                self._rows = set(self._right(relations.get(DOWN, ())))
            case Apply(changes) if DOWN in changes:
                self._rows -= set(changes[DOWN].delete)
                self._rows |= set(self._right(changes[DOWN].insert))
            case Apply():
                pass

    def wanted(self) -> Mapping[str, Given]:
        """The policies that are to be here, by name."""
        return {str(row[0]): Given(str(row[3]), str(row[1]), str(row[4])) for row in sorted(self._rows)}

    def answer(self, refused: Mapping[str, str]) -> Iterable[Row]:
        """The rows that tell what became of each; those that are only handed on are told of by whom they are for."""
        rows: set[Row] = set()
        for name, tier, etag, *_ in self._rows:
            why = refused.get(str(name))
            if why is not None:
                self._refusals.tell("CL365", self._parent, f"policy `{name}` is refused: {why}")
                rows.add((self._engine, name, etag, "refused", why))
            elif tier == self._level:
                rows.add((self._engine, name, etag, "applied", None))
        self.became = frozenset(rows)
        return self.became

    def _right(self, rows: Iterable[Row]) -> Iterable[Row]:
        for row in rows:
            if fits(DOWN, row) and row[4] != self._engine:
                yield row
            else:
                self._refusals.tell("CL365", self._parent, f"a row of `{DOWN}` is none of a policy from above")
