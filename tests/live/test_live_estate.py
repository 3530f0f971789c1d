"""The running estate: what is pushed or pulled becomes violations with a history, and outlives the process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from congresslite.api import Engine
from congresslite.config.models import Config
from congresslite.diagnostics import CongressliteError, Diagnostic, PolicyError, SourceError
from congresslite.live import Caller, ConflictError, LiveEstate, NotYoursError, Proposal
from congresslite.schema import RowsTable
from congresslite.sources import shipped_definition
from congresslite.store.errors import AwayError
from congresslite.store.records import ViolationFilter, WaiverRecord
from tests.live.estates import ADMIN, POLICY, filed, objects, opened, pushed, vm, wait
from tests.opening import stopped_afterwards

Open = Callable[[Config], LiveEstate]
OWNED = """\
box: {key: [id], owner: ns, columns: {id: str, ns: str}, references: {ns: ns.id}}
ns: {key: [id], owner: tenant, columns: {id: str, tenant: str}, references: {tenant: tenant.id}}
tenant: {key: [id], columns: {id: str}}
note: {columns: {id: str}}
"""
TENANT = Caller("tina", "viewer", tenant="t1")
HOSTS = [{"id": "h1", "state": "up"}, {"id": "h2", "state": "down"}]


@pytest.fixture
def open_() -> Iterator[Open]:
    yield from stopped_afterwards(opened)


@pytest.fixture
def estate(open_: Open, tmp_path: Path) -> LiveEstate:
    """An estate with three VMs, one of them on a host that is down."""
    made = open_(pushed(tmp_path))
    made.put_rows(ADMIN, "inv", "host", HOSTS)
    made.put_rows(ADMIN, "inv", "tenant", [{"id": "t1"}, {"id": "t2"}])
    made.put_rows(ADMIN, "inv", "vm", [vm("a", "h1", 2), vm("b", "h2", 3), vm("c", "h2", 1, "t2")])
    return made


def episodes(estate: LiveEstate, object_: str) -> list[tuple[bool, str]]:
    (found,) = estate.violations(
        ADMIN,
        ViolationFilter(rules=["R1"], objects=[object_], states=["open", "waived", "resolved"]),
        sort="-first_seen",
    ).items[:1]
    return [(each.resolved_at is None, each.message) for each in estate.violation(ADMIN, found.id)]


def test_pushed_rows_become_violations_and_go_again(estate: LiveEstate) -> None:
    """A violation is open while its rows say so, keeps its id when it comes back, and its history has each time."""
    assert objects(estate) == {"b", "c"}
    assert estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h1")]).inserted == 1
    assert objects(estate) == {"c"}
    assert objects(estate, states=["resolved"]) == {"b"}
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h2")])
    assert objects(estate) == {"b", "c"}
    assert episodes(estate, "b") == [(True, "b is on h2, which is down"), (False, "b is on h2, which is down")]


def test_what_is_there_already_changes_nothing(estate: LiveEstate) -> None:
    """To push what is held, or to delete what is not, is no change: no write, no event, no new episode."""
    watch = estate.watch(ADMIN)
    told = estate.push_rows(ADMIN, "inv", "vm", [vm("a", "h1", 2)], [{"id": "nobody"}])
    assert (told.inserted, told.deleted, told.unchanged) == (0, 0, 2)
    estate.push_rows(ADMIN, "inv", "vm", [vm("a", "h2", 2)])
    event = next(watch)
    assert event is not None
    assert event.number == last_number(estate)
    watch.close()


def last_number(estate: LiveEstate) -> int:
    watch = estate.watch(ADMIN, 0)
    numbers = []
    for event in watch:
        assert event is not None
        numbers.append(event.number)
        if objects(estate) == {"a", "b", "c"} and '"a"' in event.data:
            break
    watch.close()
    return numbers[-1]


def test_a_row_with_a_wrong_value_changes_nothing(estate: LiveEstate) -> None:
    """Rows are taken together or not at all."""
    with pytest.raises(SourceError):
        estate.push_rows(
            ADMIN, "inv", "vm", [vm("a", "h2"), {"id": "z", "host": "h1", "vcpus": "many", "tenant": "t1"}]
        )
    assert objects(estate) == {"b", "c"}


def test_a_restart_answers_as_before(open_: Open, tmp_path: Path) -> None:
    """Rows, violations with their first time, waivers, policies and sources are there after a restart."""
    config = pushed(tmp_path)
    first = opened(config)
    first.put_rows(ADMIN, "inv", "host", HOSTS)
    first.put_rows(ADMIN, "inv", "vm", [vm("a", "h2"), vm("b", "h2")])
    first.push_rows(ADMIN, "inv", "vm", [vm("c", "h2"), vm("b", "h1")], [{"id": "a"}])
    first.put_policy(ADMIN, "extra", 'error(h) :- inv:host(id=h, state="down").', None)
    first.add_waiver(ADMIN, WaiverRecord("", "ops", "known", "T-1", "2999-01-01", policy="extra"))
    before = first.violations(ADMIN, ViolationFilter(states=["open", "waived", "resolved"]))
    first.stop()
    second = open_(config)
    assert second.violations(ADMIN, ViolationFilter(states=["open", "waived", "resolved"])) == before
    assert objects(second) == {"c"}
    assert [each.name for each in second.policies()] == ["extra", "placement"]
    assert len(second.violations(ADMIN, ViolationFilter(states=["waived"])).items) == 1
    second.push_rows(ADMIN, "inv", "vm", [vm("c", "h1")])
    assert objects(second) == set()


def test_policies_have_versions(estate: LiveEstate) -> None:
    """A policy is added, replaced by whoever knows its version, and removed; its violations follow."""
    made = estate.put_policy(ADMIN, "up", 'error(h) :- inv:host(id=h, state="up").', None)
    assert len(estate.violations(ADMIN, ViolationFilter(policies=["up"])).items) == 1
    with pytest.raises(ConflictError):
        estate.put_policy(ADMIN, "up", "error(h) :- inv:host(id=h).", None)
    with pytest.raises(ConflictError):
        estate.put_policy(ADMIN, "up", "error(h) :- inv:host(id=h).", "up-99")
    with pytest.raises(PolicyError):
        estate.put_policy(ADMIN, "up", "error(h) :- inv:nothing(id=h).", made.etag)
    newer = estate.put_policy(ADMIN, "up", "error(h) :- inv:host(id=h).", made.etag)
    assert [each.version for each in estate.policy_versions("up")] == [2, 1]
    assert len(estate.violations(ADMIN, ViolationFilter(policies=["up"])).items) == 2
    estate.remove_policy(ADMIN, "up", newer.etag)
    assert estate.violations(ADMIN, ViolationFilter(policies=["up"])).items == ()
    gone = estate.violations(ADMIN, ViolationFilter(policies=["up"], states=["resolved"])).items
    assert {each.resolved_by for each in gone} == {"policy"}


def test_a_policy_of_a_file_is_changed_in_the_file(open_: Open, tmp_path: Path) -> None:
    """What a file says is not changed over REST; a changed file is a new version at the next start."""
    config = pushed(tmp_path)
    first = opened(config)
    with pytest.raises(ConflictError) as raised:
        first.put_policy(ADMIN, "placement", POLICY, first.policies()[0].etag)
    assert "placement.dl" in str(raised.value)
    first.stop()
    (tmp_path / "placement.dl").write_text(POLICY.replace("R2", "R3"), encoding="utf-8")
    assert [each.version for each in open_(config).policy_versions("placement")] == [2, 1]


def test_a_check_tells_what_would_follow(estate: LiveEstate) -> None:
    """A policy that is checked changes nothing, and its consequences are those that it has once it is in."""
    text = '@id("S") @message("{vm} has {n}") error(vm) :- inv:vm(id=vm, vcpus=n), n > 1.'
    told = estate.check_policies(ADMIN, Proposal({"small": text})).document
    assert (told["verdict"], told["violations"]["totals"]) == ("warn", {"new": 2, "resolved": 0, "unchanged": 4})
    assert {each["message"] for each in told["violations"]["new"]} == {"a has 2", "b has 3"}
    assert estate.violations(ADMIN, ViolationFilter(policies=["small"])).items == ()
    estate.put_policy(ADMIN, "small", text, None)
    came = estate.violations(ADMIN, ViolationFilter(policies=["small"])).items
    assert {each.id for each in came} == {each["id"] for each in told["violations"]["new"]}
    away = estate.check_policies(ADMIN, Proposal(remove=["small"])).document
    assert (away["verdict"], away["violations"]["totals"]["resolved"]) == ("ok", 2)
    assert estate.check_policies(ADMIN, Proposal({"wrong": "error(x) :- y(x)."})).document["verdict"] == "reject"


def test_waivers_cover_what_they_name_while_they_hold(estate: LiveEstate) -> None:
    """A waiver covers violations that are open and those that come; revoked, it covers none."""
    granted = estate.add_waiver(
        ADMIN, WaiverRecord("", "ops", "known", "T-1", "2999-01-01", policy="placement", rule="R1", object="b")
    )
    assert (objects(estate), objects(estate, states=["waived"])) == ({"c"}, {"b"})
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h1")])
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h2")])
    assert (objects(estate), objects(estate, states=["waived"])) == ({"c"}, {"b"})
    estate.remove_waiver(ADMIN, granted.id)
    assert (objects(estate), objects(estate, states=["waived"])) == ({"b", "c"}, set())
    for wrong in ("yesterday", "2020-01-01", ""):
        with pytest.raises(CongressliteError):
            estate.add_waiver(ADMIN, replace(granted, expires=wrong))


def test_a_tenant_sees_its_own_objects(estate: LiveEstate) -> None:
    """Whoever belongs to a tenant sees that tenant's violations and rows, not those of others, and asks no queries."""
    page = estate.violations(TENANT, ViolationFilter())
    assert {each.object for each in page.items} == {"b"}
    (other,) = [each for each in estate.violations(ADMIN, ViolationFilter(rules=["R1"])).items if each.object == "c"]
    with pytest.raises(KeyError):
        estate.violation(TENANT, other.id)
    assert [each.schema.name for each in estate.tables(TENANT)] == ["inv:vm"]
    assert {row[0] for row in estate.rows(TENANT, "inv:vm").rows} == {"a", "b"}
    assert estate.rows(TENANT, "inv:vm", where={"host": "h2"}).total == 1
    with pytest.raises(KeyError):
        estate.rows(TENANT, "inv:host")
    with pytest.raises(NotYoursError):
        estate.query(TENANT, "inv:vm(id=v)")
    assert sum(each.open for each in estate.counts(TENANT)) == 1


def test_an_object_that_changes_hands_is_not_shown_to_its_old_tenant(estate: LiveEstate) -> None:
    """A violation is shown to a tenant only while its object is the tenant's."""
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h2", 3, "t2")])
    assert estate.violations(TENANT, ViolationFilter()).items == ()


def test_a_tenants_proof_shows_its_own_rows_alone(estate: LiveEstate) -> None:
    """A proof for a tenant names the rules and tables, and the values of rows that are the tenant's, no others."""
    (mine,) = estate.violations(TENANT, ViolationFilter()).items
    whole, own = estate.explain(ADMIN, mine.id), estate.explain(TENANT, mine.id)
    assert whole is not None
    assert own is not None
    assert {step["table"]: step["row"].get("state") for step in whole["steps"]}["inv:host"] == "down"
    rows = {step["table"]: step["row"] for step in own["steps"]}
    assert rows["inv:vm"]["id"] == "b"
    assert rows["inv:host"] == {}
    assert "bindings" not in own["steps"][0]
    assert all("as_of" in step for step in own["steps"] if step["from"] == "source")


def test_tables_are_told_with_their_age(estate: LiveEstate) -> None:
    """Every table is listed with its rows and of when they are; rows come page by page, filtered by column."""
    tables = {each.schema.name: each for each in estate.tables(ADMIN)}
    assert tables["inv:vm"].rows == 3
    assert tables["placement:error"].derived
    assert tables["placement:error"].as_of is not None
    assert estate.rows(ADMIN, "inv:vm", where={"vcpus": "3"}).rows == [("b", "h2", 3, "t1")]
    first = estate.rows(ADMIN, "inv:vm", limit=2)
    assert first.next == 2
    assert len(first.rows + estate.rows(ADMIN, "inv:vm", offset=2, limit=2).rows) == 3
    with pytest.raises(KeyError):
        estate.rows(ADMIN, "inv:nothing")
    with pytest.raises(KeyError):
        estate.rows(ADMIN, "inv:vm", where={"nothing": "1"})


def test_sources_come_and_go(estate: LiveEstate, tmp_path: Path) -> None:
    """A source is added while the estate runs, read by a new policy, and removed once none reads it; secrets stay."""
    definition = tmp_path / "dc.yaml"
    definition.write_text(
        "source: dc\ntables:\n  rack: {key: [id], columns: {id: str, power: int}}\n", encoding="utf-8"
    )
    settings: dict[str, Any] = {"driver": "push", "definition": str(definition)}
    estate.put_source(ADMIN, "dc", settings, None)
    with pytest.raises(ConflictError):
        estate.put_source(ADMIN, "dc", settings, None)
    policy = estate.put_policy(ADMIN, "power", "error(r) :- dc:rack(id=r, power=p), p > 9.", None)
    estate.push_rows(ADMIN, "dc", "rack", [{"id": "r1", "power": 10}])
    assert len(estate.violations(ADMIN, ViolationFilter(policies=["power"])).items) == 1
    _, etag = estate.source_settings("dc")
    with pytest.raises(PolicyError):
        estate.remove_source(ADMIN, "dc", etag)
    estate.remove_policy(ADMIN, "power", policy.etag)
    estate.remove_source(ADMIN, "dc", etag)
    assert [each.name for each in estate.sources()] == ["inv"]
    with pytest.raises(ConflictError):
        estate.remove_source(ADMIN, "inv", "inv-0")


# -- sources that are pulled ---------------------------------------------------------------------

VMS = "id,host,vcpus,tenant\na,h1,1,t1\nb,h2,1,t1\n"
FILES = {"vm": VMS, "host": "id,state\nh1,up\nh2,down\n", "tenant": "id\nt1\n", "note": "id,text\n"}


def health(estate: LiveEstate, feed: str) -> str:
    (source,) = estate.sources()
    return {each.name: each.health for each in source.feeds}[feed]


def test_what_is_pulled_becomes_violations(open_: Open, tmp_path: Path) -> None:
    """Tables that rules read are pulled, others are not; a change at the source is a change of violations."""
    estate = open_(filed(tmp_path, FILES))
    wait(lambda: objects(estate) == {"b"})
    assert health(estate, "note") == "lazy"
    (tmp_path / "inv/vm.csv").write_text(VMS + "c,h2,1,t1\n", encoding="utf-8")
    wait(lambda: objects(estate) == {"b", "c"})
    (tmp_path / "inv/vm.csv").write_text(VMS.replace("b,h2", "b,h1"), encoding="utf-8")
    wait(lambda: objects(estate) == set())


def test_what_leads_to_tenants_is_pulled(open_: Open, tmp_path: Path) -> None:
    """Tables that no rule reads, but by which an object leads to its tenant, are pulled: or the tenant sees nothing."""
    config = filed(tmp_path, {"box": "id,ns\na,n1\n", "ns": "id,tenant\nn1,t1\n", "note": "id\n"})
    (tmp_path / "inv/_schema.yaml").write_text(OWNED, encoding="utf-8")
    (tmp_path / "placement.dl").write_text("policy p. @object(b) error(b) :- inv:box(id=b).", encoding="utf-8")
    estate = open_(config)
    wait(lambda: [each.tenant for each in estate.violations(TENANT, ViolationFilter()).items] == ["t1"])
    assert health(estate, "note") == "lazy"


def test_a_failed_pull_is_never_no_violations(open_: Open, tmp_path: Path) -> None:
    """A source that fails, or breaks a key, leaves its violations as they were, and says why; then it is well."""
    estate = open_(filed(tmp_path, FILES))
    wait(lambda: objects(estate) == {"b"})
    assert estate.undetermined() == ()
    for wrong in (
        "id,host,vcpus,tenant\na,h1,1,t1\na,h2,1,t1\n",
        "id,host,vcpus,tenant\na,h1\n",
        "id,vcpus,tenant\na,1,t1\n",
    ):
        (tmp_path / "inv/vm.csv").write_text(wrong, encoding="utf-8")
        (told,) = wait(estate.undetermined)
        assert (told.source, told.feed, told.health, told.policies) == ("inv", "vm", "stale", ("placement",))
        assert told.why
        assert told.since is not None
        assert objects(estate) == {"b"}
        (tmp_path / "inv/vm.csv").write_text(VMS, encoding="utf-8")
        wait(lambda: estate.undetermined() == ())
    assert objects(estate) == {"b"}


def test_a_table_that_is_suddenly_empty_waits_for_an_operator(open_: Open, tmp_path: Path) -> None:
    """A pull that brings nothing where there were rows changes nothing until somebody says that it is true."""
    estate = open_(filed(tmp_path, FILES, hold_back=2))
    wait(lambda: objects(estate) == {"b"})
    (tmp_path / "inv/vm.csv").write_text("id,host,vcpus,tenant\n", encoding="utf-8")
    wait(lambda: health(estate, "vm") == "held_back")
    assert objects(estate) == {"b"}
    assert [each.health for each in estate.undetermined()] == ["held_back"]
    estate.refresh(ADMIN, "inv", feed="vm", accept_empty=True)
    assert objects(estate) == set()
    assert estate.undetermined() == ()


def test_nothing_is_accused_for_what_was_not_pulled_yet(open_: Open, tmp_path: Path) -> None:
    """A rule that rests on a table that nobody has seen says nothing; once it is seen, it says what is so."""
    config = filed(tmp_path, {name: text for name, text in FILES.items() if name != "host"})
    (tmp_path / "placement.dl").write_text(
        'policy placement. @id("R1") @object(v) error(v) :- inv:vm(id=v, host=h), not inv:host(id=h, state="up").',
        encoding="utf-8",
    )
    estate = open_(config)
    wait(lambda: health(estate, "vm") == "fresh")
    wait(lambda: [each.feed for each in estate.undetermined()] == ["host"])
    assert objects(estate) == set()
    (tmp_path / "inv/host.csv").write_text(FILES["host"], encoding="utf-8")
    (source,) = estate.sources()
    if "host" in {each.name for each in source.feeds}:
        wait(lambda: objects(estate) == {"b"})


def test_a_restart_answers_from_what_was_pulled_last(open_: Open, tmp_path: Path) -> None:
    """After a restart the tables are those of the last pull, with its age, though the source is gone."""
    config = filed(tmp_path, FILES)
    first = opened(config)
    wait(lambda: objects(first) == {"b"})
    success = {each.name: each.last_success for each in first.sources()[0].feeds}
    first.stop()
    (tmp_path / "inv/vm.csv").write_text("id,host,vcpus,tenant\na,h1\n", encoding="utf-8")
    second = open_(config)
    assert objects(second) == {"b"}
    wait(lambda: health(second, "vm") == "stale")
    assert objects(second) == {"b"}
    again = {each.name: each.last_success for each in second.sources()[0].feeds}
    assert again["vm"] == pytest.approx(success["vm"], abs=5)


def test_a_source_that_cannot_be_opened_keeps_no_estate_from_starting(open_: Open, tmp_path: Path) -> None:
    """A source that was open before and is out of reach at a restart is stale, and well once it is back."""
    config = filed(tmp_path, FILES)
    first = opened(config)
    wait(lambda: objects(first) == {"b"})
    first.stop()
    (tmp_path / "inv").rename(tmp_path / "away")
    second = open_(config)
    assert objects(second) == {"b"}
    wait(lambda: health(second, "vm") == "stale")
    (tmp_path / "away/vm.csv").write_text(VMS + "c,h2,1,t1\n", encoding="utf-8")
    (tmp_path / "away").rename(tmp_path / "inv")
    wait(lambda: objects(second) == {"b", "c"})
    other = filed(tmp_path / "other", FILES)
    (tmp_path / "other/inv").rename(tmp_path / "other/away")
    with pytest.raises(SourceError):
        opened(other)


def test_a_policy_that_cannot_be_recorded_is_not_in_force(estate: LiveEstate, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the state goes away while a policy goes in, the engine is without it, and it may be put again later."""
    text = "policy more. error(v) :- inv:vm(id=v)."

    def fails(*_: object) -> None:
        raise AwayError(Diagnostic("CL488", "the database failed"))

    with monkeypatch.context() as broken:
        broken.setattr(estate._core.history, "revise", fails)
        with pytest.raises(AwayError):
            estate.put_policy(ADMIN, "more", text, None)
    assert "more" not in {each.name for each in estate.snapshot().program.policies}
    assert "more" not in {each.name for each in estate.policies()}
    estate.put_policy(ADMIN, "more", text, None)
    assert "more" in {each.name for each in estate.snapshot().program.policies}


def test_a_table_that_no_rule_reads_is_pulled_for_whoever_looks(open_: Open, tmp_path: Path) -> None:
    """Looking at the rows of a lazy table pulls it."""
    estate = open_(filed(tmp_path, {**FILES, "note": "id,text\nn1,hello\n"}))
    assert estate.rows(ADMIN, "inv:note").rows == [("n1", "hello")]


def test_the_history_is_what_an_engine_says(estate: LiveEstate) -> None:
    """After many pushes the open violations are those that an engine derives of the same rows from scratch."""
    for step in range(30):
        rows = [vm(f"v{(step * 7 + at) % 11}", f"h{(step + at) % 3}", at) for at in range(4)]
        gone = [{"id": f"v{step % 11}"}] if step % 3 else []
        estate.push_rows(ADMIN, "inv", "vm", rows, gone)
    snapshot = estate.snapshot()
    tables = {name: RowsTable(snapshot.schema(name), snapshot.rows(name)) for name in ("inv:vm", "inv:host")}
    from congresslite.api import Policy

    fresh = Engine.load(Policy("placement", POLICY), tables)
    expected = {(each.rule, each.row, each.message) for each in fresh.violations()}
    page = estate.violations(ADMIN, ViolationFilter(), limit=1000)
    assert {(each.rule.rule, each.row, each.message) for each in page.items} == expected
    assert sum(each.open for each in estate.counts(ADMIN)) == len(expected)


def test_an_engine_that_is_renewed_goes_on_as_before(estate: LiveEstate) -> None:
    """An engine that kept too many old values is replaced by one with the same answers, under whoever uses it."""
    core = estate._core
    for step in range(50):
        estate.push_rows(ADMIN, "inv", "note", [{"id": f"n{step}", "text": f"text {step}"}], [{"id": f"n{step - 1}"}])
    before = {name: set(estate.snapshot().rows(name)) for name in ("inv:vm", "inv:note", "placement:error")}
    values, ids = core.engine.values, {each.id for each in estate.violations(ADMIN, ViolationFilter()).items}
    assert not core.renew(10_000)
    assert core.renew(20)
    assert core.engine.values < values
    assert {name: set(estate.snapshot().rows(name)) for name in before} == before
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h1")])
    estate.push_rows(ADMIN, "inv", "vm", [vm("b", "h2", 3)])
    assert {each.id for each in estate.violations(ADMIN, ViolationFilter()).items} == ids
    assert objects(estate) == {"b", "c"}


# -- webhooks ------------------------------------------------------------------------------------

WEBHOOKS = Path(__file__).parents[1] / "sources/webhooks"


def test_a_webhook_is_rows_until_it_says_otherwise(open_: Open, tmp_path: Path) -> None:
    """An alert is a violation from when it fires until it is resolved, with its labels, after a restart too."""
    config = Config.model_validate(
        {
            "state": tmp_path / "state",
            "policies": [tmp_path / "alerts.dl"],
            "sources": {"alertmanager": {"driver": "push"}},
        }
    )
    (tmp_path / "alerts.dl").write_text(
        "policy alerts. error(f, v) :- alertmanager:alerts(fingerprint=f), "
        'alertmanager:alerts.labels(fingerprint=f, label="alertname", value=v).',
        encoding="utf-8",
    )
    sent = json.loads((WEBHOOKS / "alertmanager.json").read_text(encoding="utf-8"))
    firing = {**sent, "alerts": [{**each, "status": "firing"} for each in sent["alerts"]]}
    resolved = {**firing, "status": "resolved", "alerts": [{**each, "status": "resolved"} for each in firing["alerts"]]}
    first = opened(config)
    (hook,) = shipped_definition("alertmanager").hooks
    told = first.webhook(ADMIN, "alertmanager", hook, firing)
    assert told.inserted > len(firing["alerts"])
    assert first.webhook(ADMIN, "alertmanager", hook, firing).inserted == 0
    open_before = {each.row for each in first.violations(ADMIN, ViolationFilter()).items}
    assert len(open_before) == len(firing["alerts"])
    first.stop()
    second = open_(config)
    assert {each.row for each in second.violations(ADMIN, ViolationFilter()).items} == open_before
    second.webhook(ADMIN, "alertmanager", hook, resolved)
    assert second.violations(ADMIN, ViolationFilter()).items == ()
    assert second.rows(ADMIN, "alertmanager:alerts.labels").total == 0
