"""From a checked program to one that derives its conflicts too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from congresslite.language.program import CONFLICT_POLICY, CheckedRule, PolicySettings, Program, RuleKind, Stratum
from congresslite.language.resolution.settings import TIERS
from congresslite.policy.conflicts.foreign import ForeignRule
from congresslite.policy.conflicts.joining import Joined, joined
from congresslite.policy.conflicts.pairs import pairs
from congresslite.policy.conflicts.sides import Party, foreign_party, local_parties, mixed
from congresslite.policy.implication import Prover
from congresslite.schema import TableSchema

_SETTINGS = PolicySettings(CONFLICT_POLICY, description="Rules that contradict each other")


def with_conflicts(
    program: Program,
    foreign: Sequence[ForeignRule] = (),
    catalog: Mapping[str, TableSchema] | None = None,
    *,
    levels: Sequence[str] = TIERS,
) -> Program:
    """The program with a rule for each pair of rules that may contradict each other, those of other engines too.

    `catalog` has the schemas of the tables that `foreign` rules name, `levels` are the tiers of the hierarchy, the
    top first. A program without such pairs, and with nothing to take apart, is returned as it is. Raises KeyError for a
    foreign table that is unknown.
    """
    tables = catalog or {}
    parties = [*local_parties(program), *(foreign_party(each, tables) for each in foreign)]
    found = list(pairs(program, parties))
    copies = {party.table: party for party in mixed(parties)}
    copies |= {party.table: party for pair in found for party in pair.parties if party.shared}
    if not copies and not found:
        return program
    implies = Prover(program).implies
    parts = [joined(pair, implies, levels) for pair in found]
    answers: defaultdict[str, list[str]] = defaultdict(list)
    conflicts: dict[str, Joined] = {}
    for part in parts:
        united = answers[part.rule.table]
        united.append(f"{part.rule.table}#{len(united) + 1}")
        conflicts[united[-1]] = part
    read = {party.table: tables[party.table] for pair in found for party in pair.parties if party.engine}
    return replace(
        program,
        policies=(*program.policies, *((_SETTINGS,) if found else ())),
        tables={
            **program.tables,
            **{name: replace(program.tables[party.shared], name=name) for name, party in copies.items()},
            **{name: replace(part.schema, name=name) for name, part in conflicts.items()},
        },
        base={**program.base, **read},
        rules=(
            *program.rules,
            *(rule for name, party in copies.items() if (rule := _copy(party, name)) is not None),
            *(replace(part.rule, table=name) for name, part in conflicts.items()),
        ),
        facts={**program.facts, **{name: party.facts for name, party in copies.items() if party.facts}},
        strata=(*program.strata, *(Stratum((name,), recursive=False) for name in (*copies, *conflicts))),
        answers={**program.answers, **{name: tuple(united) for name, united in answers.items()}},
        contradictions={name: part.contradiction for name, part in conflicts.items()},
    )


def _copy(party: Party, table: str) -> CheckedRule | None:
    """The party's rule in a table of its own: no command any more, so that it is not told twice."""
    return None if party.rule is None else replace(party.rule, table=table, kind=RuleKind.DERIVE, modal=None)
