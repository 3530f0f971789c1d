"""Translation of classes into rules: the same answers as the generic rules, and nothing unknown taken for success."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from congresslite.api import Engine, Policy
from congresslite.config.models import TierSettings, TranslateSettings
from congresslite.federation.compiled import OWN, Need
from congresslite.federation.translation import Place, Translation, translate, why_not
from congresslite.language.printing import value_text
from congresslite.schema import Row, Scalar, canonical, identity
from tests.examples import few

PLACE = Place("pop_a", "pop", "pop")
SETTINGS = TranslateSettings(
    intent="treatment:intent",
    profile="classes:profile",
    classes={"Platinum": "p1", "Gold": "p2"},
    attributes={"cores": "pop_a", "ghz": "pop_a", "disk": "pop_a"},
)
# The rules that say what translation means, as they stand in a textbook: for complete and well-typed data.
GENERIC = """
need(c, k, vm, a, op, x) :- intent(c, k), view:owns(c, vm), profile(k, a, op, x).
viol(c, k, vm, a, x, y)  :- need(c, k, vm, a, "ge", x), view:on(vm, h), view:attr(h, a, y), y < x.
viol(c, k, vm, a, x, y)  :- need(c, k, vm, a, "le", x), view:on(vm, h), view:attr(h, a, y), y > x.
viol(c, k, vm, a, x, y)  :- need(c, k, vm, a, "eq", x), view:on(vm, h), view:attr(h, a, y), y != x.
viol(c, k, vm, a, x, y)  :- need(c, k, vm, a, "ne", x), view:on(vm, h), view:attr(h, a, y), y = x.
viol(c, k, vm, a, x, "missing") :- need(c, k, vm, a, _, x), view:on(vm, h), not view:attr(h, a, _).
lviol(vm, a, x, y)       :- viol(_, _, vm, a, x, y).
hviol(customer, k)       :- viol(customer, k, _, _, _, _).
hunknown(customer, k)  :- intent(customer, k), not profile(k, _, _, _).
"""
VIEW = """
table owns(customer: any, vm: any).
table on(vm: any, host: any).
table attr(host: any, attribute: any, value: any).
"""

HOSTS, VMS, CUSTOMERS = ("h1", "h2", "h3"), ("v1", "v2", "v3"), ("acme", "borealis")
NUMBERS = st.sampled_from([0, 1, 8, 16, 2.5, -3])
DISKS = st.sampled_from(["ssd", "hdd", "nvme"])
ORDERED = st.tuples(
    st.sampled_from(["p1", "p2"]), st.sampled_from(["cores", "ghz"]), st.sampled_from(["ge", "le", "eq", "ne"]), NUMBERS
)
NAMED = st.tuples(st.sampled_from(["p1", "p2"]), st.just("disk"), st.sampled_from(["eq", "ne"]), DISKS)
PROFILE = st.lists(ORDERED | NAMED, max_size=5)
OWNS = st.lists(st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(VMS)), max_size=4)
ON = st.dictionaries(st.sampled_from(VMS), st.sampled_from(HOSTS))
GIVEN = st.tuples(st.sampled_from(HOSTS), st.sampled_from(["cores", "ghz"]))
ATTR = st.dictionaries(GIVEN, NUMBERS) | st.dictionaries(st.tuples(st.sampled_from(HOSTS), st.just("disk")), DISKS)
INTENTS = st.lists(st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(["Platinum", "Gold"])), max_size=3)
# Anything that a table of values of any type can hold.
HOSTILE = ['"', "\\", "'''", '").\nerror("all', "p1 cores ge 16", "{vm}", "\u2028", "true", "16", "missing"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(HOSTILE)
SCALARS: st.SearchStrategy[Scalar] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)


def facts(table: str, rows: Iterable[Row]) -> str:
    """Rows as facts, each once."""
    return "\n".join(dict.fromkeys(f"{table}({', '.join(map(value_text, row))})." for row in rows))


def view(owns: Iterable[Row], on: Iterable[Row], attr: Iterable[Row]) -> Policy:
    """The tables of a subsystem as translation reads them."""
    return Policy("view", "\n".join([VIEW, facts("owns", owns), facts("on", on), facts("attr", attr)]))


def classes(profile: Iterable[Row]) -> Policy:
    """The policy with the profiles."""
    head = "table profile(class: any, attribute: any, op: any, value: any)."
    return Policy("classes", "\n".join([head, facts("profile", profile)]))


def evaluated(translation: Translation, *policies: Policy) -> Engine:
    """The engine that keeps all subsystems itself, with what was made for it."""
    made = [Policy(name, text) for name, text in translation.policies["pop_a"].items()]
    return Engine.load([*policies, *made])


def rows(engine: Engine, table: str) -> set[tuple[Hashable, ...]]:
    """The rows of a table; `true` is not 1 here either."""
    return {tuple(map(identity, row)) for row in engine.rows(table)}


@few(40)
@given(INTENTS, PROFILE, OWNS, ON, ATTR)
def test_the_made_rules_derive_what_the_generic_ones_derive(intents, profile, owns, on, attr):
    """On complete types, what each rule made derives is what the generic rules derive from the profile as data."""
    tables = view(owns, on.items(), [(*key, value) for key, value in attr.items()])
    words = [(customer, SETTINGS.classes[word]) for customer, word in intents]
    generic = Policy(
        "generic",
        "\n".join(
            [
                "table intent(customer: any, class: any).",
                "table profile(class: any, attribute: any, op: any, value: any).",
                facts("intent", words),
                facts("profile", profile),
                GENERIC,
            ]
        ),
    )
    expected = Engine.load([tables, generic])
    translation = translate(intents, profile, SETTINGS, PLACE)
    made = evaluated(translation, tables, classes(profile))

    needs = {Need(*row).name: Need(*row) for row in profile}
    found = {
        (vm, needs[violation.rule].attribute, needs[violation.rule].value, value)
        for violation in made.violations()
        if violation.policy == SETTINGS.policy and violation.rule != "placed"
        for vm, _, _, value in [violation.row]
    }
    upper = {word: class_ for class_, word in SETTINGS.classes.items()}
    nowhere = {customer for customer, vm in owns if vm not in on}
    served = {(customer, upper[str(k)]) for customer, k in expected.rows("generic:hviol")}
    unplaced = {
        (customer, k)
        for customer, k in intents
        if customer in nowhere and SETTINGS.classes[k] in {row[0] for row in profile}
    }
    assert found == set(expected.rows("generic:lviol"))
    assert rows(made, f"{OWN}:unmet") == served | unplaced
    assert rows(made, f"{OWN}:unknown") == {
        (customer, upper[str(k)]) for customer, k in expected.rows("generic:hunknown")
    }


@few(40)
@given(PROFILE, ATTR)
def test_a_class_is_offered_where_one_host_has_every_row_of_it(profile, attr):
    """What is offered is what a host can be found for, and nothing else."""
    offered = set()
    for class_, word in SETTINGS.classes.items():
        asked = [row[1:] for row in profile if row[0] == word]
        hosts = {host for host, _ in attr}
        if asked and any(all(fits(attr.get((host, a)), op, x) for a, op, x in asked) for host in hosts):
            offered.add((class_,))
    tables = view([], [], [(*key, value) for key, value in attr.items()])
    engine = evaluated(translate([], profile, SETTINGS, PLACE), tables, classes(profile))
    assert rows(engine, f"{OWN}:offers") == offered


def fits(value: Scalar, op: str, asked: Scalar) -> bool:
    """Whether a value does; what is not there or of another type does not."""
    if op in ("eq", "ne"):
        return value is not None and (value == asked) == (op == "eq")
    if not isinstance(value, int | float) or not isinstance(asked, int | float):
        return False
    return value >= asked if op == "ge" else value <= asked


@few(60)
@given(
    st.lists(st.tuples(SCALARS, SCALARS | st.just("Platinum")), max_size=3),
    st.lists(
        st.tuples(
            SCALARS | st.just("p1"),
            st.just("cores") | SCALARS,
            st.sampled_from(["ge", "le", "eq", "ne"]) | SCALARS,
            SCALARS,
        ),
        max_size=4,
    ),
    st.lists(st.tuples(SCALARS, SCALARS, st.just("cores") | SCALARS, SCALARS), max_size=4),
)
def test_hostile_values_stay_values(intents, profile, hosts):
    """No text of a table can become a rule; a class is known exactly where all of its rows can be told."""
    owns = [(customer, host) for (customer, _), (host, *_) in zip(intents, hosts, strict=False)]
    tables = view(owns, [(host, place) for host, place, *_ in hosts], [row[1:] for row in hosts])
    translation = translate(intents, profile, SETTINGS, PLACE)
    engine = evaluated(translation, tables, classes(profile))

    assert rows(engine, f"{OWN}:intent") == {tuple(map(identity, row)) for row in intents}
    unclear = {identity(row[0]) for row in profile if why_not(row, SETTINGS) is not None}
    words = {identity(row[0]) for row in profile} - unclear
    known = {(class_,) for class_, word in SETTINGS.classes.items() if word in words}
    assert rows(engine, f"{OWN}:known") == known
    unknown = {row for row in rows(engine, f"{OWN}:intent") if (row[1],) not in known}
    assert rows(engine, f"{OWN}:unknown") == unknown
    assert {found.code for found in translation.findings} <= {"CL380", "CL381", "CL382"}


@given(INTENTS, PROFILE, st.randoms(use_true_random=False))
def test_equal_tables_make_equal_text(intents, profile, rand: random.Random):
    """Neither the order of rows, nor a row that comes twice, nor 16.0 for 16 makes another text."""
    shuffled = [tuple(float(each) if type(each) is int else each for each in row) for row in [*profile, *profile[:1]]]
    rand.shuffle(shuffled)
    others = [*intents, *intents[:1]]
    rand.shuffle(others)
    assert (
        translate(others, shuffled, SETTINGS, PLACE).policies == translate(intents, profile, SETTINGS, PLACE).policies
    )


@given(st.lists(st.tuples(TEXTS, TEXTS, SCALARS), max_size=4))
def test_no_two_rows_have_one_name(parts):
    """The identity of a rule is that of its row: waivers and histories of two rows never mix."""
    needs = [Need(service_class, attribute, "eq", canonical(value)) for service_class, attribute, value in parts]
    keys = {(need.service_class, need.attribute, identity(need.value)) for need in needs}
    assert len({need.name for need in needs}) == len(keys)


@pytest.mark.parametrize(
    ("attr", "profile", "state"),
    [
        ([("h1", "cores", 16)], [("p1", "cores", "ge", 16)], "met"),
        ([("h1", "cores", 15)], [("p1", "cores", "ge", 16)], "unmet"),
        ([], [("p1", "cores", "ge", 16)], "unmet"),
        ([("h1", "cores", "16")], [("p1", "cores", "ge", 16)], "unmet"),
        ([("h1", "cores", None)], [("p1", "cores", "ge", 16)], "unmet"),
        ([("h1", "cores", True)], [("p1", "cores", "ge", 0)], "unmet"),
        ([("h1", "disk", None)], [("p1", "disk", "ne", "hdd")], "unmet"),
        ([("h1", "disk", "hdd")], [("p1", "disk", "ne", "hdd")], "unmet"),
        ([("h1", "cores", 16)], [("p1", "cores", "ge", "16")], "unknown"),
        ([("h1", "cores", 16)], [("p1", "cores", "ge", 16), ("p1", "colour", "eq", "red")], "unknown"),
        ([("h1", "cores", 16)], [("p1", "cores", "about", 16)], "unknown"),
        ([("h1", "cores", 16)], [], "unknown"),
    ],
    ids=[
        "enough",
        "too few",
        "missing",
        "a text for a number",
        "null",
        "true is no number",
        "null is not another",
        "the one that is not",
        "a number in quotes",
        "no subsystem",
        "no comparison",
        "no profile",
    ],
)
def test_what_is_missing_or_unknown_is_never_success(attr, profile, state):
    """Each way in which data can be missing ends in a violation, never in `met`."""
    tables = view([("acme", "v1")], [("v1", "h1")], attr)
    engine = evaluated(translate([("acme", "Platinum")], profile, SETTINGS, PLACE), tables, classes(profile))
    assert engine.rows(f"{OWN}:treated") == [("acme", "Platinum", state)]
    assert (engine.rows(f"{OWN}:error") == []) == (state == "met")
    assert (engine.rows(f"{OWN}:offers") == [("Platinum",)]) == (state == "met")


def test_a_machine_that_nobody_has_placed_is_not_served():
    """A machine of which no host is known does not count as served."""
    tables = view([("acme", "v1")], [], [("h1", "cores", 16)])
    profile = [("p1", "cores", "ge", 16)]
    engine = evaluated(translate([("acme", "Platinum")], profile, SETTINGS, PLACE), tables, classes(profile))
    assert engine.rows(f"{OWN}:treated") == [("acme", "Platinum", "unmet")]
    assert [each.message for each in engine.violations() if each.rule == "placed"] == [
        "v1 of acme: nobody knows where it runs"
    ]


@pytest.mark.parametrize(
    ("intent", "profile", "code", "told"),
    [
        (("acme", "Gold"), ("p1", "cores", "ge", 16), "CL380", 'nothing says what the class "Gold" asks for'),
        (("acme", "gold"), ("p1", "cores", "ge", 16), "CL381", 'the class "gold" has no word on the bus below'),
        (("acme", 7), ("p1", "cores", "ge", 16), "CL381", "the class 7 has no word on the bus below"),
        (
            ("acme", "Platinum"),
            ("p1", "core", "ge", 16),
            "CL382",
            'no subsystem is known that has the attribute "core"',
        ),
        (("acme", "Platinum"), ("p1", "cores", ">=", 16), "CL382", '">=" is no comparison of a profile'),
        (("acme", "Platinum"), ("p1", "cores", "ge", "16"), "CL382", '`ge` compares with a number, which "16" is not'),
        (
            ("acme", "Platinum"),
            ("p1", "cores", "eq", None),
            "CL382",
            "a profile compares with a value, and this is none",
        ),
    ],
    ids=["no profile", "no word", "no text", "no subsystem", "no comparison", "no number", "no value"],
)
def test_what_cannot_be_told_is_found(intent, profile, code, told):
    """Each finding names its row, the cause and the mend."""
    found = next(each for each in translate([intent], [profile], SETTINGS, PLACE).findings if each.code == code)
    assert found.message == told
    assert found.hint
    assert found.place in {
        f"treatment:intent({', '.join(map(value_text, intent))})",
        f"classes:profile({', '.join(map(value_text, profile))})",
    }


def test_each_subsystem_gets_its_rows_alone():
    """One policy for each engine, in the words below, with the customers whose class asks something of it."""
    three = SETTINGS.model_copy(update={"attributes": {"cores": "compute", "disk": "storage", "qos": "network"}})
    profile: list[Row] = [("p1", "cores", "ge", 16), ("p1", "disk", "eq", "ssd"), ("p2", "cores", "ge", 8)]
    made = translate([("acme", "Platinum"), ("borealis", "Gold")], profile, three, Place("pop_a", "pop", "subsystem"))
    texts = {engine: policies.get("translated", "") for engine, policies in made.policies.items()}
    assert set(texts) == {"compute", "storage", "network", "pop_a"}
    assert {engine: text.count("@id") - 1 for engine, text in texts.items() if text} == {
        "compute": 2,
        "storage": 1,
        "network": 0,
    }
    assert 'intent("acme", "p1").' in texts["storage"]
    assert "borealis" in texts["compute"]
    assert "borealis" not in texts["storage"]
    assert not any("Platinum" in text for engine, text in texts.items() if engine != "pop_a")
    assert all('tier = "subsystem"' in text for engine, text in texts.items() if engine != "pop_a")


@pytest.mark.parametrize(
    ("children", "told"),
    [
        ({}, "attribute `cores` belongs to `pop_a`, which is none of `children`"),
        ({"pop_a": {"secret": "s"}}, "`tables` lack `offers`, by which children answer what `translate` asks of them"),
    ],
    ids=["nobody to tell", "no answer"],
)
def test_a_translation_that_nobody_could_answer_is_refused(children, told):
    """A configuration must name who is told, and the tables of the answers."""
    with pytest.raises(ValueError, match=told):
        TierSettings.model_validate(
            {"name": "pop_b", "level": "pop", "children": children, "translate": SETTINGS.model_dump()}
        )
