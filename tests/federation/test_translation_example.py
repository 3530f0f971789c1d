"""The example of tiers, without a bus: what each engine publishes is given to the engine above by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import pytest

from congresslite.api import Engine, Policy
from congresslite.config.loading import load_config
from congresslite.config.models import Config, TierSettings
from congresslite.federation.translation import Place, translate
from congresslite.policy.loading import load_policies
from congresslite.schema import Column, Row, RowsTable, TableData, TableSchema, Type
from congresslite.share import share
from congresslite.sources.csvfiles import CsvTable

TIERS = share("examples") / "tiers"


class Environment(dict[str, str]):
    """Has a value for whatever an engine of the example asks for."""

    def __contains__(self, name: object) -> bool:
        return str(name).startswith("TIERS_")

    def __missing__(self, name: str) -> str:
        return "memory://" if name == "TIERS_BUS" else f"secret of {name}"


@cache
def configured(name: str) -> tuple[Config, TierSettings]:
    """The configuration of an engine, and its place among the others."""
    config = load_config(TIERS / name / "congresslite.yaml", env=Environment()).config
    assert config.tier is not None
    return config, config.tier


@cache
def written(name: str) -> tuple[Policy, ...]:
    """The policies that lie in an engine's folder."""
    files, _ = load_policies(map(str, configured(name)[0].policies))
    return tuple(Policy(file.name, file.source.text, file.source.name) for file in files)


class Hierarchy:
    """All engines of the example, evaluated from the bottom to the top."""

    def __init__(self) -> None:
        self.engines: dict[str, Engine] = {}
        self._published: dict[str, dict[str, list[Row]]] = {}
        self._climb("carrier", {}, ())

    def _climb(self, name: str, made: dict[str, str], handed: Sequence[Policy]) -> None:
        """Evaluate an engine, after those below it."""
        _, tier = configured(name)
        own = [policy for policy in written(name) if _level(policy) == tier.level]
        down = [*handed, *(policy for policy in written(name) if _level(policy) != tier.level)]
        mine = [policy for policy in down if _level(policy) == tier.level]
        texts = self._translated(name, [*own, *mine])
        for child in tier.children:
            self._climb(child, texts.get(child, {}), [policy for policy in down if policy not in mine])
        made = {**made, **texts.get(name, {})}
        policies = [*own, *mine, *(Policy(each, text) for each, text in made.items())]
        engine = Engine.load(policies, self._tables(name), levels=tier.levels)
        self.engines[name] = engine
        self._published[name] = {table: engine.rows(source) for table, source in tier.publish.items()}

    def _translated(self, name: str, policies: Sequence[Policy]) -> dict[str, dict[str, str]]:
        """The policies that an engine makes of what it was promised above."""
        _, tier = configured(name)
        if tier.translate is None:
            return {}
        known = [policy for policy in policies if policy.name in ("treatment", "classes")]
        engine = Engine.load(known, levels=tier.levels)
        place = Place(name, tier.level, tier.levels[-1])
        made = translate(engine.rows("treatment:intent"), engine.rows("classes:profile"), tier.translate, place)
        assert made.findings == ()
        return {each: dict(texts) for each, texts in made.policies.items()}

    def _tables(self, name: str) -> dict[str, TableData]:
        """Its inventory, and what those below publish."""
        config, tier = configured(name)
        tables: dict[str, TableData] = {}
        for source in config.sources:
            for path in sorted((TIERS / name / source).glob("*.csv")):
                tables[f"{source}:{path.stem}"] = CsvTable(f"{source}:{path.stem}", path, None)
        for table, agreed in tier.tables.items():
            columns = [Column("pop", Type.STR), *(Column(each, Type(type_)) for each, type_ in agreed.columns.items())]
            schema = TableSchema(f"tiers:{table}", tuple(columns))
            tables[schema.name] = RowsTable(schema, self._received(tier.children, table))
        return tables

    def _received(self, children: Iterable[str], table: str) -> list[Row]:
        """The rows of a table of all engines below, each with its engine."""
        rows: list[Row] = []
        for child in children:
            rows += [(child, *row) for row in self._published[child].get(table, [])]
            rows += self._received(configured(child)[1].children, table)
        return rows


def _level(policy: Policy) -> str:
    """The tier that the text of a policy of the example names."""
    found = re.search(r'tier = "(\w+)"', policy.text)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def hierarchy() -> Hierarchy:
    """The example, evaluated."""
    return Hierarchy()


def violations(hierarchy: Hierarchy, name: str) -> set[tuple[str, str, str]]:
    """What is wrong at one engine: policy, rule and message."""
    return {(each.policy, each.rule, each.message) for each in hierarchy.engines[name].violations()}


def test_the_global_engine_sees_what_no_point_of_presence_sees_alone(hierarchy):
    """Milan cannot offer platinum, and at Lyon gold asks for more than platinum."""
    assert violations(hierarchy, "carrier") == {
        (
            "platinum",
            "platinum-not-offered",
            "milan-firewall of acme is platinum and stands at milan, which cannot offer platinum",
        ),
        ("ranking", "outranked", "at lyon, Gold asks for more ghz than Platinum"),
    }


def test_three_subsystems_are_told_what_concerns_them(hierarchy):
    """At Oslo, compute hears of cores and clocks, storage of disks, the network of QoS; storage finds the fault."""
    rules = {
        name: sorted(rule.identity for rule in hierarchy.engines[name].program.rules if rule.identity.startswith("p1"))
        for name in ("oslo_compute", "oslo_storage", "oslo_network")
    }
    assert rules == {
        "oslo_compute": ["p1 cores ge 32", "p1 ghz ge 3"],
        "oslo_storage": ["p1 disk eq ssd"],
        "oslo_network": ["p1 qos eq EF"],
    }
    assert violations(hierarchy, "oslo_compute") == violations(hierarchy, "oslo_network") == set()
    assert violations(hierarchy, "oslo_storage") == {
        ("translated", "p1 disk eq ssd", "oslo-fw-2 of acme is on oslo-bulk: hdd, where p1 disk eq ssd was promised")
    }
    assert violations(hierarchy, "oslo") == {
        ("translation", "unmet", "acme was promised Platinum, and is not treated so")
    }


def test_each_point_of_presence_says_what_it_offers(hierarchy):
    """The classes that a point of presence offers are those that each of its subsystems can serve."""
    offers = {
        name: sorted(hierarchy.engines[name].rows("translation:offers")) for name in ("oslo", "malmo", "milan", "lyon")
    }
    assert offers == {
        "oslo": [("Gold",), ("Platinum",), ("Silver",)],
        "malmo": [("Gold",), ("Platinum",), ("Silver",)],
        "milan": [("Gold",), ("Silver",)],
        "lyon": [("Gold",), ("Platinum",), ("Silver",)],
    }


def test_regions_watch_over_their_own(hierarchy):
    """A region finds what concerns two of its points of presence, and hands down nothing of its own."""
    assert violations(hierarchy, "north") == {
        ("latency", "slow-link", "malmo-oslo-1 from malmo to oslo is EF, and takes 12.5 ms")
    }
    assert violations(hierarchy, "south") == set()


@pytest.mark.parametrize("name", ["malmo", "lyon", "milan"])
def test_a_point_of_presence_without_subsystems_judges_itself(hierarchy, name):
    """What belongs to no other engine is translated for the engine itself."""
    found = {(policy, rule) for policy, rule, _ in violations(hierarchy, name)}
    assert found == ({("translation", "unmet"), ("translated", "best disk eq ssd")} if name == "milan" else set())
