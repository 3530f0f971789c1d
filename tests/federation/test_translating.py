"""An engine's translation follows its tables, and is made anew only if they change."""

from __future__ import annotations

import pytest

from congresslite.api import Engine, Policy
from congresslite.config.models import TierSettings
from congresslite.diagnostics import Diagnostic
from congresslite.federation.translating import Translator

TIER = TierSettings.model_validate(
    {
        "name": "oslo",
        "level": "region",
        "children": {"compute": {"secret": "s"}},
        "tables": {"offers": {"columns": {}}, "treated": {"columns": {}}},
        "translate": {
            "intent": "treatment:intent",
            "profile": "classes:profile",
            "classes": {"Platinum": "p1"},
            "attributes": {"cores": "compute"},
        },
    }
)
CLASSES = Policy("classes", 'profile("p1", "cores", "ge", 16).')
OTHER = Policy("other", "p(1).")


def treatment(*customers: str) -> Policy:
    """The policy that is handed down from above."""
    return Policy("treatment", "\n".join(f'intent("{each}", "Platinum").' for each in customers))


@pytest.fixture
def translator() -> Translator:
    """That of an engine with one subsystem."""
    assert TIER.translate is not None
    return Translator(TIER, TIER.translate)


def test_a_translation_follows_its_tables(translator: Translator):
    """A changed intent changes the texts; any other change, and the same rows again, change nothing."""
    engine = Engine.load([CLASSES])
    first = translator.revised(engine.snapshot())
    assert first is not None
    assert set(first.policies) == {"oslo", "compute"}
    assert "acme" not in first.policies["compute"]["translated"]

    engine.apply(policies=[treatment("acme")])
    second = translator.revised(engine.snapshot())
    assert second is not None
    assert 'intent("acme", "p1").' in second.policies["compute"]["translated"]
    assert 'tier = "pop"' in second.policies["compute"]["translated"]

    engine.apply(policies=[OTHER, Policy("treatment", '// As before.\nintent("acme", "Platinum").')])
    assert translator.revised(engine.snapshot()) is None

    engine.apply(remove=["treatment"])
    third = translator.revised(engine.snapshot())
    assert third is not None
    assert third.policies == first.policies


def test_a_table_of_other_columns_is_told(translator: Translator):
    """What cannot be read is told, and nobody below loses what the rest says."""
    engine = Engine.load([Policy("classes", 'profile("p1", "cores", 16).'), treatment("acme")])
    made = translator.revised(engine.snapshot())
    assert made is not None
    assert made.findings[0] == Diagnostic(
        "CL383",
        "translation reads 4 columns, and `classes:profile` has 3",
        None,
        "its columns are `class`, `attribute`, `op`, `value`, in this order",
        place="classes:profile",
    )
    assert [each.code for each in made.findings] == ["CL383", "CL380"]
