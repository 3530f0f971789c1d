"""
Questions across the tiers: why a violation below is there, and what engines below say of policies.

Both go to the children by the bus, and from them to theirs. Whoever does not answer is told to be silent, never to
agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from congresslite.diagnostics import CongressliteError, Diagnostic
from congresslite.federation.agreed import UNION
from congresslite.federation.asking import PATIENCE, Body, NoAnswerError
from congresslite.federation.host import HeldPolicy
from congresslite.federation.node import Node
from congresslite.federation.relations import ENGINES, HEALTH, VIOLATIONS
from congresslite.policy import Policy
from congresslite.policy.declared import declared_settings
from congresslite.schema import Row

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unsure:
    """Something of an engine below that is not current; without a `source`, it is all that the engine tells."""

    engine: str
    source: str | None
    feed: str
    health: str
    why: str

    def about(self, violation: Document) -> bool:
        """Whether a violation of the engine rests on it. What does not say what it rests on may rest on anything."""
        sources = violation.get("sources")
        return self.engine == violation["engine"] and (
            self.source is None or not isinstance(sources, list) or self.source in sources
        )


class Questions:
    """What can be asked of the engines below. Any thread may."""

    def __init__(self, node: Node) -> None:
        self._node, self._tier = node, node.tier

    def violations(self, level: str | None = None, engine: str | None = None) -> Iterator[Document]:
        """The violations and conflicts that engines below publish, of one tier or of one engine.

        Each with its `engine`, the `level` of that, and whether it is `undetermined`.
        """
        unsure = self.unsure(level, engine)
        for received in self._node.received.values():
            levels = {str(row[0]): str(row[1]) for row in tuple(received.small[ENGINES])}
            for name, _, text in tuple(received.small[VIOLATIONS]):
                if engine in (None, name) and level in (None, levels.get(str(name))):
                    told = _told(str(text))
                    if told is not None:
                        placed = {**told, "engine": name, "level": levels.get(str(name), "")}
                        yield {**placed, "undetermined": any(each.about(placed) for each in unsure)}

    def engines(self) -> list[str]:
        """The names of this engine and of those below that are known."""
        heard = [str(row[0]) for each in self._node.received.values() for row in tuple(each.small[ENGINES])]
        return sorted({self._tier.name, *self._tier.children, *heard})

    def unsure(self, level: str | None = None, engine: str | None = None) -> list[Unsure]:
        """What is not current of the engines below, of one tier or of one engine."""
        found: list[Unsure] = []
        for child, received in self._node.received.items():
            engines = {str(row[0]): row for row in tuple(received.small[ENGINES])}
            health, silent = tuple(received.small[HEALTH]), self._node.silence(child)
            for name in sorted(engines.keys() | {child}):
                # Who was never heard of may be of any tier.
                if engine not in (None, name) or level not in (None, engines[name][1] if name in engines else level):
                    continue
                why = silent or self._lost(name, engines, health)
                if why is not None:
                    found.append(Unsure(name, None, "violations", "stale", why))
                    continue
                own = sorted((row for row in health if row[0] == name), key=repr)
                found += [Unsure(name, *(str(value) for value in (*row[1:4], row[5]))) for row in own]
        return found

    def explain(self, engine: str, id: str, patience: float = PATIENCE) -> Document:
        """Why a violation of an engine is there: `{"proof": …}`, for a conflict `{"sides": […]}`.

        Raises KeyError for an engine that is not known here, or a violation that is not open there; NoAnswerError.
        """
        if engine == self._tier.name:
            found = self._node.host.explain(id)
        else:
            child = self._child_of(engine)
            answer = self._node.asking.ask(child, "explain", {"engine": engine, "id": id}, patience)
            found = answer.get("explanation")
        if found is None:
            raise KeyError(id)
        return found

    def check(
        self, policies: Mapping[str, str], remove: Sequence[str] = (), patience: float = PATIENCE
    ) -> Mapping[str, Document]:
        """What the engines below find of those of these policies that are for their tiers, by the engines' names."""
        below = {name: text for name, text in policies.items() if _tier(name, text) in self._tier.below}
        # What moves to another tier goes from the one where it is.
        going = [each.name for each in self._node.host.policies()
                 if each.tier in self._tier.below
                 and (each.name in remove or (each.name in policies and each.name not in below))]  # fmt: skip
        if not (below or going) or not self._tier.children:
            return {}
        with ThreadPoolExecutor(len(self._tier.children)) as pool:
            answers = pool.map(lambda child: self._asked(child, below, going, patience), self._tier.children)
            return {name: each for answer in answers for name, each in answer.items()}

    def answer(self, peer: str, what: str, body: Body) -> dict[str, Any]:
        """Answer a question of the engine above. Raises CongressliteError for what cannot be answered."""
        if self._tier.parent is None or peer != self._tier.parent.name:
            raise NoAnswerError(_no_business(self._tier.name))
        patience = min(PATIENCE, float(body.get("patience", PATIENCE)))
        if what == "explain":
            try:
                found = self.explain(str(body.get("engine")), str(body.get("id")), patience)
            except KeyError:
                return {"explanation": None}
            return {"explanation": found}
        if what == "check":
            policies = {str(name): str(text) for name, text in dict(body.get("policies", {})).items()}
            return {"reports": self._reports(policies, [str(each) for each in body.get("remove", ())], patience)}
        raise NoAnswerError(_unknown(self._tier.name, what))

    # -- within ------------------------------------------------------------------------------------

    def _reports(self, policies: Mapping[str, str], remove: Sequence[str], patience: float) -> dict[str, Document]:
        name, level, held = self._tier.name, self._tier.level, self._node.host.policies()
        here = {each: text for each, text in policies.items() if _tier(each, text) == level}
        # What is this engine's own has the name alone in common with what goes above.
        handed = [each.name for each in held if each.tier == level and each.from_above(name)]
        going = [each for each in handed if each in remove or each in policies.keys() - here.keys()]
        reports = dict(self.check(policies, remove, patience))
        taken = [each for each in held if each.name in policies and not each.from_above(name)]
        if taken:
            reports[name] = _verdict("reject", [_refused(each) for each in taken])
        elif here or going:
            try:
                reports[name] = self._node.host.check(here, going)
            except CongressliteError as error:
                reports[name] = _verdict("reject", error.diagnostics)
        return reports

    def _lost(self, engine: str, engines: Mapping[str, Row], health: Sequence[Row]) -> str | None:
        """Why what an engine tells may be lost on its way up; None if each on that way hears the one below."""
        told = {(str(row[0]), str(row[1])): str(row[5]) for row in sorted(health, key=repr)}
        seen: set[str] = set()
        while engine in engines and engine not in seen:
            seen.add(engine)
            above = str(engines[engine][2])
            # Where nothing is published, a child is known to be silent by the commands, which unite all of them.
            for said in (engine,) if self._tier.tables else (UNION,):
                if (above, said) in told:
                    return told[above, said]
            engine = above
        return None

    def _asked(
        self, child: str, policies: Mapping[str, str], remove: Sequence[str], patience: float
    ) -> Mapping[str, Document]:
        try:
            answer = self._node.asking.ask(child, "check", {"policies": policies, "remove": remove}, patience)
        except NoAnswerError as silent:
            return {child: _verdict("needs_decision", silent.diagnostics)}
        reports = answer.get("reports")
        return reports if isinstance(reports, dict) else {}

    def _child_of(self, engine: str) -> str:
        for child, received in self._node.received.items():
            if engine == child or any(row[0] == engine for row in tuple(received.small[ENGINES])):
                return child
        raise KeyError(engine)


# What is told of each violation, whichever engine it is of.
_TEXTS = ("id", "policy", "rule", "kind", "severity", "mode", "table", "message", "first_seen", "file")


def _told(text: str) -> Document | None:
    """A violation as an engine below tells it; None for what is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    right = isinstance(document, dict) and all(isinstance(document.get(each), str) for each in _TEXTS)
    return document if right and all(isinstance(document.get(each), list) for each in ("columns", "row")) else None


def _tier(name: str, text: str) -> str:
    return declared_settings(Policy(name, text)).tier


def _verdict(verdict: str, findings: Sequence[Diagnostic]) -> Document:
    """The document of a report that says no more than this."""
    reasons = [{"verdict": verdict, "code": each.code, "message": each.message} for each in findings]
    return {"verdict": verdict, "reasons": reasons, "fingerprint": verdict}


def _refused(held: HeldPolicy) -> Diagnostic:
    return Diagnostic("CL365", f"policy `{held.name}` would be refused: {held.collision()}")


def _no_business(engine: str) -> Diagnostic:
    return Diagnostic("CL367", f"`{engine}` answers to the engine above it alone", place=engine)


def _unknown(engine: str, what: str) -> Diagnostic:
    return Diagnostic("CL367", f"`{engine}` does not know what `{what[:40]}` asks", place=engine)
