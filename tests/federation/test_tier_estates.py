"""Running estates in tiers: the example, with all that the carrier has below it, over a bus in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from congresslite.cli.app import cli
from congresslite.config.models import Config
from congresslite.diagnostics import PolicyError
from congresslite.federation.asking import NoAnswerError
from congresslite.federation.host import Given
from congresslite.live import ConflictError, LiveEstate, RefusedCheckError, open_estate
from congresslite.live.checks import Proposal
from congresslite.server.app import create_app
from congresslite.store.records import ViolationFilter
from tests.cli.served import answering
from tests.federation.estates import ADMIN, ENGINES, Estates, settled, started
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("tier estates")  # one run of the ten engines for all of them

NOT_OFFERED = ("platinum-not-offered", "milan-firewall")
OUTRANKED = ("outranked", "lyon")


@pytest.fixture(scope="module")
def estates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estates]:
    """All ten engines, once what they say of each other has settled."""
    with started(tmp_path_factory.mktemp("tiers")) as running:
        settled(lambda: running.violations("carrier"), {NOT_OFFERED, OUTRANKED})
        until(lambda: all(running.undetermined(name) == {} for name in ENGINES))
        yield running


def rewrite(path: Path, old: str, new: str) -> None:
    """Let a file say something else."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_example_settles(estates):
    """Every engine finds just what is wrong where it stands."""
    assert {name: estates.violations(name) for name in ENGINES} == {
        "carrier": {NOT_OFFERED, OUTRANKED},
        "north": {("slow-link", "malmo-oslo-1")},
        "south": set(),
        "oslo": {("unmet", "acme")},
        "malmo": set(),
        "milan": {("unmet", "acme"), ("best disk eq ssd", "milan-fw-1")},
        "lyon": set(),
        "oslo_compute": set(),
        "oslo_storage": {("p1 disk eq ssd", "oslo-fw-2")},
        "oslo_network": set(),
    }


def test_a_disk_at_milan_is_heard_of_at_the_carrier(estates):
    """Faster disks at one point of presence make it offer platinum, and the global violation goes; and comes again."""
    rewrite(estates.table("milan", "hosts"), "hdd", "ssd")
    settled(lambda: estates.violations("carrier"), {OUTRANKED})
    rewrite(estates.table("milan", "hosts"), "3.1,ssd", "3.1,hdd")
    settled(lambda: estates.violations("carrier"), {NOT_OFFERED, OUTRANKED})


def test_a_policy_is_handed_down_two_tiers(estates):
    """What is put at the carrier for points of presence is in force there, and nobody can change it there."""
    text = 'policy running(tier = "pop"). @id("down") @object(s) error(s) :- inv:services(service=s, state="degraded").'
    version = estates.running["carrier"].put_policy(ADMIN, "running", text, None)
    settled(lambda: estates.violations("lyon"), {("down", "lyon-firewall")})
    with pytest.raises(ConflictError, match="handed down by the engine `carrier`"):
        estates.running["lyon"].remove_policy(ADMIN, "running", "running-1")
    node = estates.tiers("carrier").running.node
    until(lambda: {
        row[0] for each in node.received.values() for row in tuple(each.small["handed"])
        if row[1] == "running" and row[3] == "applied"
    } == {"oslo", "malmo", "milan", "lyon"})  # fmt: skip
    (below,) = list(estates.tiers("carrier").running.questions.violations(engine="lyon"))
    assert (below["rule"], below["object"], below["level"]) == ("down", "lyon-firewall", "pop")
    estates.running["carrier"].remove_policy(ADMIN, "running", version.etag)
    settled(lambda: estates.violations("lyon"), set())


def test_a_policy_for_a_tier_that_does_not_exist_is_refused(estates):
    """It is told at once, and nothing is handed down."""
    with pytest.raises(PolicyError) as refused:
        estates.running["carrier"].put_policy(ADMIN, "nowhere", 'policy nowhere(tier = "moon"). t(1).', None)
    assert [each.code for each in refused.value.diagnostics] == ["CL231"]
    with pytest.raises(PolicyError):
        estates.running["carrier"].put_policy(ADMIN, "broken", 'policy broken(tier = "pop"). t(1', None)


def test_a_violation_below_is_explained_from_above(estates):
    """The carrier asks two tiers down why a machine is not as promised, and is led to the row of the source there."""
    questions = estates.tiers("carrier").running.questions
    (found,) = [each for each in questions.violations(level="subsystem") if each["engine"] == "oslo_storage"]
    proof = questions.explain("oslo_storage", found["id"])["proof"]
    assert "inv:pools" in {step["table"] for step in proof["steps"]}
    with pytest.raises(KeyError):
        questions.explain("oslo_storage", "0" * 32)
    with pytest.raises(KeyError):
        questions.explain("nobody", "0" * 32)


def test_a_check_asks_the_tiers_below(estates):
    """A policy that is proposed for points of presence is checked at each of them before anything is stored."""
    text = 'policy running(tier = "pop"). @id("down") @object(s) error(s) :- inv:services(service=s, state="degraded").'
    record = estates.running["carrier"].check_policies(ADMIN, Proposal({"running": text}))
    tiers = record.document["tiers"]
    assert sorted(tiers) == ["lyon", "malmo", "milan", "oslo"]
    assert {name for name, each in tiers.items() if each["violations"]["totals"]["new"]} == {"lyon"}
    wrong = 'policy running(tier = "pop"). t(x) :- inv:nothing(x).'
    record = estates.running["carrier"].check_policies(ADMIN, Proposal({"running": wrong}))
    assert record.document["verdict"] == "reject"
    assert estates.violations("lyon") == set()


def test_a_check_for_tiers_below_is_applied_as_it_was_or_refused(estates):
    """A check of a policy for tiers below tells what it is about, and is refused once that is another policy."""
    carrier = estates.running["carrier"]
    first, second, other = (
        carrier.check_policies(ADMIN, Proposal({name: f'policy {name}(tier = "pop"). t({number}).'}))
        for name, number in (("late", 1), ("late", 2), ("other", 1))
    )
    told = first.document["policies"]
    assert [(each["name"], each["tier"], each["change"]) for each in told] == [("late", "pop", "added")]
    assert len({each.document["fingerprint"] for each in (first, second, other)}) == 3
    (version,) = carrier.apply_check(ADMIN, second.id)
    with pytest.raises(RefusedCheckError) as refused:
        carrier.apply_check(ADMIN, first.id)
    (found,) = refused.value.diagnostics
    assert (found.code, found.notes[0]) == ("CL333", "policy `late` has been added")
    assert "t(2)" in str(next(each.text for each in carrier.policies() if each.name == "late"))
    carrier.remove_policy(ADMIN, "late", version.etag)


def test_a_global_policy_contradicts_a_local_one(estates):
    """The proposed policy of the example is against what Lyon does by itself, and a check says so."""
    text = (estates.folder / "tiers" / "proposed" / "platinum_by_hand.dl").read_text(encoding="utf-8")
    record = estates.running["carrier"].check_policies(ADMIN, Proposal({"platinum_by_hand": text}))
    (conflict,) = record.document["conflicts"]
    assert {side["engine"] for side in conflict["sides"]} >= {"lyon"}


def test_silence_makes_undetermined_and_a_restart_mends_it(tmp_path):
    """After its lease, who is silent makes what rests on it undetermined, and nothing goes; alone, it goes on."""
    with started(tmp_path, "carrier", "south", "milan", "lyon", lease="2s") as running:
        running.start("north")
        settled(lambda: "milan-firewall" in {each for _, each in running.violations("south")} or None, None)
        until(lambda: not [key for key in running.undetermined("south") if key[0] in ("milan", "tiers")])
        running.stop("milan")
        until(lambda: ("tiers", "services") in running.undetermined("south"))
        assert "milan" in running.undetermined("south")["tiers", "services"]
        assert running.running["south"].snapshot().rows("milan:services")
        running.stop("south")
        running.start("milan")
        assert ("unmet", "acme") in running.violations("milan")
        running.start("south")
        until(lambda: not running.undetermined("south"))


def test_what_is_denied_rests_on_what_engines_below_do(tmp_path):
    """A denial is undetermined while an engine is silent that may do what it denies, whatever its own rule reads."""
    denied = 'policy denied. @id("no") deny[vnfm:heal(s)] :- asked(s). asked("lyon-9").'
    with started(tmp_path, "carrier", "south", "lyon", lease="2s") as running:  # and neither north nor milan
        south = running.tiers("carrier").running.node.received["south"]
        until(lambda: any(row[3] == "execute" for row in tuple(south.small["rules"])))

        def check(text: str) -> tuple[set[str], set[str]]:
            document = running.running["carrier"].check_policies(ADMIN, Proposal({"denied": text})).document
            return {each["code"] for each in document["reasons"]}, {each["feed"] for each in document["undetermined"]}

        until(lambda: check(denied) == ({"CL330"}, {"commands"}))
        assert check('policy denied. asked("lyon-9").') == (set(), set())


def test_an_engine_that_starts_anew_forgets_nothing(tmp_path):
    """What the engines below had said is known after a restart, though they are away: undetermined, and not gone."""
    with started(tmp_path, "carrier", "north", "south", "milan", "lyon", lease="3s") as running:
        running.start("oslo", "malmo", "oslo_compute", "oslo_storage", "oslo_network")
        settled(lambda: running.violations("carrier"), {NOT_OFFERED, OUTRANKED})
        until(lambda: not running.undetermined("carrier"))
        (before,) = running.running["carrier"].violations(ADMIN, ViolationFilter(rules=["platinum-not-offered"])).items
        below = {each["id"] for each in running.tiers("carrier").running.questions.violations()}
        running.stop("south", "milan", "lyon", "carrier")
        running.start("carrier")
        until(lambda: "south" in running.undetermined("carrier").get(("tiers", "services"), ""))
        assert running.running["carrier"].snapshot().rows("south:services")
        (after,) = running.running["carrier"].violations(ADMIN, ViolationFilter(rules=["platinum-not-offered"])).items
        assert after == before
        assert {each["id"] for each in running.tiers("carrier").running.questions.violations()} == below
        running.start("south", "milan", "lyon")
        until(lambda: not running.undetermined("carrier"))
        assert running.violations("carrier") == {NOT_OFFERED, OUTRANKED}


def test_a_peer_with_another_secret_is_refused(tmp_path):
    """Who does not know the secret of the link is refused and told; nobody takes what it says."""
    running = Estates(tmp_path)
    try:
        running.start("south")
        config = running.config("lyon", TIERS_SOUTH_LYON="guessed")
        estate = running.running["lyon"] = open_estate(config, running.folder / "tiers" / "lyon")
        estate.start()
        node = running.tiers("south").running.node
        until(lambda: {(each.code, each.peer) for each in node.refusals.all()} == {("CL363", "lyon")})
        assert not running.running["south"].snapshot().rows("lyon:services")
        page = estate.violations(ADMIN, ViolationFilter(), limit=10)
        assert page.items == ()
    finally:
        running.stop()


def test_the_tiers_are_told_over_rest(estates):
    """The place among the engines, what is wrong below by tier, and a proof from two tiers down, for whoever asks."""
    client = create_app(estates.running["carrier"], estates.config("carrier")).test_client()
    told = client.get("/v1/tiers").get_json()
    assert (told["engine"], told["level"], told["parent"], told["refusals"]) == ("carrier", "global", None, [])
    assert {each["link"]["name"]: each["link"]["connected"] for each in told["children"]} == {
        "north": True, "south": True,
    }  # fmt: skip
    below = {each["engine"]: each["violations"] for child in told["children"] for each in child["engines"]}
    assert below == {name: len(estates.violations(name)) for name in ENGINES if name != "carrier"}
    page = client.get("/v1/violations?tier=pop&sort=object").get_json()
    assert {(each["engine"], each["rule"]) for each in page["items"]} == {
        ("oslo", "unmet"), ("milan", "unmet"), ("milan", "best disk eq ssd"),
    }  # fmt: skip
    first = client.get("/v1/violations?tier=pop&sort=object&limit=2").get_json()
    second = client.get(f"/v1/violations?tier=pop&sort=object&limit=2&cursor={first['next']}").get_json()
    assert [*first["items"], *second["items"]] == page["items"]
    (one,) = client.get("/v1/violations?engine=oslo_storage").get_json()["items"]
    detail = client.get(f"/v1/violations/{one['id']}?engine=oslo_storage&explain=true").get_json()
    assert "inv:pools" in {step["table"] for step in detail["explanation"]["steps"]}
    assert client.get(f"/v1/violations/{'0' * 32}?engine=oslo_storage").status_code == 404


def test_an_engine_that_stands_alone_says_so(tmp_path):
    """Without a tier there is nothing to tell, and that is told."""
    estate = open_estate(Config(state=tmp_path))
    try:
        client = create_app(estate, Config(state=tmp_path)).test_client()
        assert client.get("/v1/tiers").status_code == 404
        assert client.get("/v1/violations?tier=pop").status_code == 404
    finally:
        estate.stop()


def test_who_does_not_answer_is_said_to_be_silent(tmp_path):
    """A proof that nobody gives, and a check that nobody makes, are told as that, and nobody waits longer."""
    with started(tmp_path, "south") as running:
        questions = running.tiers("south").running.questions
        with pytest.raises(NoAnswerError):
            questions.explain("lyon", "0" * 32, patience=0.2)
        text = 'policy p(tier = "pop"). t(1).'
        reports = questions.check({"p": text}, patience=0.2)
        assert {name: each["verdict"] for name, each in reports.items()} == {
            "milan": "needs_decision", "lyon": "needs_decision",
        }  # fmt: skip


def test_violations_of_an_engine_that_is_silent_are_undetermined(tmp_path):
    """Over REST they are told as undetermined once its lease is over, with the reason; unknown names are refused."""
    with started(tmp_path, "carrier", "south", "milan", "lyon", lease="2s") as running:
        client = create_app(running.running["south"], Config()).test_client()

        def told(query: str) -> Any:
            return client.get(f"/v1/violations?{query}").get_json()

        def milans() -> set[tuple[str, bool]]:
            return {(each["engine"], each["undetermined"]) for each in told("tier=pop")["items"]}

        until(lambda: milans() == {("milan", False)})
        assert told("tier=pop&state=undetermined")["items"] == []
        running.stop("milan")
        until(lambda: milans() == {("milan", True)})
        page = told("tier=pop&state=undetermined")
        assert {each["engine"] for each in page["items"]} == {"milan"}
        (why,) = [each for each in page["undetermined"] if (each["source"], each["feed"]) == ("milan", "violations")]
        assert "`milan` is silent" in why["why"]
        assert why["policies"] == sorted({each["policy"] for each in page["items"]})
        for query in ("tier=galaxy", "engine=nobody"):
            refused = client.get(f"/v1/violations?{query}")
            assert (refused.status_code, refused.get_json()["findings"][0]["code"]) == (422, "CL550")
        assert (
            client.get("/v1/violations?tier=region").get_json()["items"]
            == client.get("/v1/violations?engine=south").get_json()["items"]
        )


def test_a_local_policy_is_of_the_tier_of_its_engine(tmp_path):
    """A policy that names no tier, or an upper one, is of that of its engine, unless it was handed down."""
    local = 'policy {name}({said}priority = 50). @id("go") execute[vnfm:heal(s)] :- inv:services(service=s).'
    handed = local.format(name="handed", said='tier = "region", ')
    texts = {
        name: local.format(name=name, said=said) for name, said in (("silent", ""), ("claims", 'tier = "global", '))
    }

    def tiers(estate: LiveEstate) -> dict[str, str]:
        return {each.name: each.tier for each in estate.snapshot().program.policies}

    with started(tmp_path, "malmo") as running:
        for name, text in texts.items():
            running.running["malmo"].put_policy(ADMIN, name, text, None)
        assert running.tiers("malmo").hand({"handed": Given(handed, "region", "north")}, own=False) == {}
        found = tiers(running.running["malmo"])
        assert (found["silent"], found["claims"], found["handed"]) == ("pop", "pop", "region")
        held = {each.name: each.tier for each in running.tiers("malmo").policies()}
        assert {name: held[name] for name in ("silent", "claims", "handed")} == {
            "silent": "pop", "claims": "pop", "handed": "region"
        }  # fmt: skip
        check = running.running["malmo"].check_policies(ADMIN, Proposal({"silent": texts["silent"] + "\n"}))
        assert [each["tier"] for each in check.document["policies"]] == ["pop"]
        running.stop("malmo")
        running.start("malmo")
        assert tiers(running.running["malmo"]) == found


def test_a_local_policy_does_not_beat_a_global_one(estates):
    """What is denied at the carrier wins over a command at a point of presence of a higher priority and no tier."""
    text = 'policy {}(priority = {}). @id("it") {}[vnfm:reboot(s)] :- {}.'
    execute = text.format("loc", 50, "execute", "inv:services(service=s)")
    deny = text.format("glob", 0, "deny", "tiers:services(_, s, _, _, _)")
    version = estates.running["lyon"].put_policy(ADMIN, "loc", execute, None)
    carrier = estates.running["carrier"]
    south = estates.tiers("carrier").running.node.received["south"]
    until(lambda: "loc" in {row[1] for row in tuple(south.small["rules"])})
    record = carrier.check_policies(ADMIN, Proposal({"glob": deny}))
    decided = {(each["sides"][each["winner"]]["policy"], each["decided_by"]) for each in record.document["conflicts"]}
    assert decided == {("glob", "tier")}
    estates.running["lyon"].remove_policy(ADMIN, "loc", version.etag)
    until(lambda: "loc" not in {row[1] for row in tuple(south.small["rules"])})


def test_a_conflict_below_is_explained_by_its_sides(tmp_path, monkeypatch):
    """Asked for the proof of what an engine has as a conflict, it gives one for each side, and they are shown."""
    text = """policy torn.
@id("go") execute[vnfm:reboot(s)] :- inv:services(service=s).
@id("no") deny[vnfm:reboot(s)] :- inv:services(service=s, state=x)."""
    monkeypatch.chdir(tmp_path)
    with started(tmp_path, "malmo") as running:
        estate = running.running["malmo"]
        estate.put_policy(ADMIN, "torn", text, None)
        until(lambda: estate.conflicts(ADMIN, ViolationFilter()).items)
        id_ = estate.conflicts(ADMIN, ViolationFilter()).items[0].id
        with answering(estate, running.config("malmo")) as url:
            arguments = ["violations", "show", id_, "--engine", "malmo", "--explain", "--server", url]
            shown = CliRunner().invoke(cli, arguments)
            assert shown.exit_code == 0, shown.output
            assert [shown.stdout.count(f"side {number}:\n") for number in (1, 2)] == [1, 1]
            assert shown.stdout.count("inv:services(") >= 2
            document = json.loads(CliRunner().invoke(cli, [*arguments, "-o", "json"]).stdout)
            assert document["explanation"] is None
            assert [each["steps"][0]["table"] for each in document["explanations"]] == [
                "torn:execute[vnfm:reboot]", "torn:deny[vnfm:reboot]",
            ]  # fmt: skip


def test_what_an_engine_below_cannot_tell_is_no_source_here(tmp_path):
    """Whoever is told that an engine below is silent is led to where engines are shown, not to a source."""
    with started(tmp_path, "south", lease="2s") as running:
        with answering(running.running["south"], Config()) as url:
            shown = CliRunner().invoke(cli, ["violations", "list", "--engine", "milan", "--server", url])
        assert shown.exit_code == 3, shown.output
        assert "of engine `milan` is stale" in shown.stderr
        assert "`congresslite tiers` tells more" in shown.stderr
        assert "source show milan" not in shown.stderr


def test_who_is_below_is_not_stopped_and_that_is_said(tmp_path):
    """A command below that loses against a rule here is done all the same, and whoever looks is told so."""
    deny = 'policy glob. @id("no") deny[vnfm:reboot(s)] :- tiers:services(_, s, _, _, _).'
    go = 'policy loc. @id("go") execute[vnfm:reboot(s)] :- inv:services(service=s).'
    with started(tmp_path, "south", "milan", "lyon") as running:
        south, lyon = running.running["south"], running.running["lyon"]
        lyon.put_policy(ADMIN, "loc", go, None)
        until(lambda: running.tiers("south").running.node.received["lyon"].small["rules"])
        south.put_policy(ADMIN, "glob", deny, None)
        until(lambda: south.conflicts(ADMIN, ViolationFilter()).items)
        assert {each.decision for each in lyon.snapshot().commands() if each.policy == "loc"} == {"run"}
        id_ = south.conflicts(ADMIN, ViolationFilter()).items[0].id
        with answering(south, Config()) as url:
            shown = CliRunner().invoke(cli, ["conflicts", "show", id_, "--explain", "--server", url])
    assert "`lyon` does it all the same" in shown.stdout, shown.output
