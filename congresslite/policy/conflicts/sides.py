"""
Parties: the rules that may contradict another one, each with a table that has the rows of it alone.

A modal table unites what all rules of a policy say of an atom. Where several rules derive it, one that takes part in a
contradiction gets a table of its own beside it (`ops:execute[nova:stop]#2`): the same rule, a copy that users never
see. A functional table is taken apart in the same way, its facts included; and so is a modal table that hard and soft
rules share, since another engine must be told which rows are whose.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from congresslite.diagnostics import Span
from congresslite.language.program import CheckedRule, Const, PolicySettings, Program, RuleKind, Side
from congresslite.language.syntax import Modal
from congresslite.policy.conflicts.foreign import ForeignRule
from congresslite.schema import Column, Row, TableSchema

# What is short enough to be read in a sentence, and holds nothing that a template could take for a variable.
_NAME = re.compile(r"[\w.:/-]{1,60}")
# The columns of a foreign table before those of the atom: engine, policy's name, rule's identity, `modal[atom]`.
_LEADING = 4


@dataclass(frozen=True, slots=True)
class Party:
    """A rule that may contradict another, or the facts of a functional table.

    `columns` are those of the atom. In `table` they stand after the constants `lead`, and before `more` other columns.
    `rule` is None for facts and for a rule of another engine. With `shared`, `table` is still to be made: a copy of
    what this party says of the shared table.
    """

    policy: PolicySettings
    identity: str
    modal: Modal | None
    atom: str
    hard: bool
    table: str
    columns: tuple[Column, ...]
    rule: CheckedRule | None = None
    facts: tuple[Row, ...] = ()
    shared: str = ""
    engine: str = ""
    lead: tuple[Const, ...] = ()
    more: int = 0
    file: str = ""
    line: int = 0
    span: Span | None = field(default=None, compare=False)

    @property
    def arity(self) -> int:
        """How many terms the atom has."""
        return len(self.columns)

    @property
    def label(self) -> str:
        """What the rule is known by among those of all policies and engines."""
        return "/".join(filter(None, (self.engine, self.policy.name, self.identity)))

    @property
    def words(self) -> str:
        """The rule as a sentence names it: by its id, or else by its line instead of its whole text."""
        rule = self.identity if _NAME.fullmatch(self.identity) else ""
        policy = "/".join(filter(None, (self.engine, self.policy.name, rule)))
        return plain(policy) if rule or not self.line else f"{plain(policy)} (line {self.line})"

    def constant(self, place: int) -> Const | None:
        """The constant that stands at a place in all its rows, if the rule says so."""
        term = None if self.rule is None else self.rule.head[place]
        return term if isinstance(term, Const) else None

    def side(self, places: tuple[int, ...]) -> Side:
        """The party as a side of a contradiction, whose rows have its terms at these places."""
        return Side(
            policy=self.policy.name,
            rule=self.identity,
            modal=self.modal,
            atom=self.atom,
            table=self.table,
            places=places,
            tier=self.policy.tier,
            priority=self.policy.priority,
            overridable=self.policy.overridable,
            hard=self.hard,
            engine=self.engine,
            mode=self.policy.mode,
            file=self.file,
            line=self.line,
            span=self.span,
        )


def plain(text: str) -> str:
    """Text in which a template has nothing to fill in."""
    return text.replace("{", "(").replace("}", ")")


def local_parties(program: Program) -> Iterator[Party]:
    """A party for each modal rule, and for each rule of a functional table and its facts."""
    functional = {each.table for each in program.functional}
    policies = {policy.name: policy for policy in program.policies}
    deriving: defaultdict[str, list[CheckedRule]] = defaultdict(list)
    for rule in program.rules:
        if rule.kind is RuleKind.MODAL or rule.table in functional:
            deriving[rule.table].append(rule)
    for table in (*deriving, *sorted(functional & program.facts.keys() - deriving.keys())):
        rules, facts = deriving[table], program.facts.get(table, ())
        shared = table if len(rules) + bool(facts) > 1 else ""
        policy, columns = policies[table.partition(":")[0]], program.tables[table].columns
        for number, rule in enumerate(rules, start=1):
            yield _of_rule(rule, policy, columns, shared, number)
        if facts:
            yield Party(
                policy=policy,
                identity=f"facts of {table}",
                modal=None,
                atom=table,
                hard=True,
                table=f"{shared}#0" if shared else table,
                columns=columns,
                facts=facts,
                shared=shared,
                file=policy.path,
            )


def mixed(parties: Iterable[Party]) -> Iterator[Party]:
    """Those that share a modal table with others, of which some are hard and some are soft."""
    sharing: defaultdict[str, list[Party]] = defaultdict(list)
    for party in parties:
        if party.shared and party.modal is not None:
            sharing[party.shared].append(party)
    for together in sharing.values():
        if len({party.hard for party in together}) > 1:
            yield from together


def _of_rule(rule: CheckedRule, policy: PolicySettings, columns: tuple[Column, ...], shared: str, number: int) -> Party:
    return Party(
        policy=policy,
        identity=rule.identity,
        modal=rule.modal,
        atom=rule.table if rule.modal is None else rule.table.partition("[")[2].removesuffix("]"),
        hard=rule.weight is None,
        table=f"{shared}#{number}" if shared else rule.table,
        columns=columns,
        rule=rule,
        shared=shared,
        file=rule.span.source.name,
        line=rule.span.line,
        span=rule.span,
    )


def foreign_party(foreign: ForeignRule, catalog: Mapping[str, TableSchema]) -> Party:
    """The party that a rule of another engine is. Raises KeyError for a table that the catalog does not have."""
    schema = catalog[foreign.table]
    end = _LEADING + foreign.arity
    columns = schema.columns[_LEADING:end]
    named = (foreign.engine, foreign.policy.name, foreign.rule, f"{foreign.modal}[{foreign.atom}]")
    return Party(
        policy=foreign.policy,
        identity=foreign.rule,
        modal=foreign.modal,
        atom=foreign.atom,
        hard=foreign.hard,
        table=foreign.table,
        columns=columns,
        engine=foreign.engine,
        lead=tuple(map(Const, named)),
        more=schema.arity - end,
        file=foreign.file,
        line=foreign.line,
    )
