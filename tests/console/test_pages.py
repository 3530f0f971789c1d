"""What the pages say, without a browser."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.diagnostics.visible import visible
from congresslite.server.console.blueprint import ACTION_PAGES, HEADERS, PAGES
from congresslite.store.records import ActionFilter
from tests.console.stand_in import HOSTILE, StandIn

LINK = re.compile(r'<a [^>]*href="(/console/[^"]*)"')


def text_of(client: FlaskClient, address: str, status: int = 200) -> str:
    """The text of a page, without its tags."""
    answer = client.get(f"/console{address}")
    assert answer.status_code == status, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def violations_on(page: str) -> list[str]:
    """The ids of the violations that a page links to, in their order."""
    return list(dict.fromkeys(re.findall(r"/console/violations/([0-9a-f]{32})", page)))


def test_links_lead_somewhere(client: FlaskClient) -> None:
    """Whoever follows links from the overview, two steps far, never comes to an address that there is nothing at."""
    todo, seen = ["/console/"], set()
    for _ in range(3):
        found = set()
        for each in todo:
            answer = client.get(each, follow_redirects=True)
            answer.close()
            assert answer.status_code == 200, each
            found |= {html.unescape(link).partition("#")[0] for link in LINK.findall(answer.text)}
        seen |= set(todo)
        # One of each kind will do: there are hundreds of tables and rows.
        kinds = {
            re.sub(r"(?<=/)(violations|tables|policies)/.*", r"\1/", link.partition("?")[0]): link for link in found
        }
        todo = sorted(set(kinds.values()) - seen)
    assert len(seen) >= 10


@pytest.mark.parametrize("address", ["/", "/violations", "/static/console.css", "/nothing", "/tables/no:table"])
def test_headers(client: FlaskClient, address: str) -> None:
    """Every answer says what a browser may do with it, errors and files too."""
    answer = client.get(f"/console{address}")
    answer.close()
    assert HEADERS.items() <= dict(answer.headers).items()
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/nothing", "there is no such page"),
        ("/violations/0", "there is no such violation"),
        ("/tables/no:table", "there is no table `no:table`"),
        ("/tables/<script>", "there is no table `<script>`"),
        ("/actions/" + "0" * 32, "there is no such action"),
        ("/actions/<script>", "there is no such action"),
        ("/policies/no", "there is no policy `no`"),
        ("/policies/images?version=99", "there is no such version of the policy"),
    ],
    ids=["page", "violation", "table", "hostile name", "action", "hostile id", "policy", "version"],
)
def test_what_is_not_there(client: FlaskClient, estate: StandIn, address: str, told: str) -> None:
    """What is not there is said on a page."""
    assert told in text_of(client, address, 404)


def test_conflicts_are_listed_with_who_wins(client: FlaskClient, estate: StandIn) -> None:
    """Each is told with both rules, and leads to its proof; hostile names are text here too."""
    told = text_of(client, "/conflicts")
    assert told.count("modality") == len(HOSTILE) == len(estate.contradictions)
    assert "deny" in told
    page = client.get("/console/conflicts").text
    assert "<script>document.title" not in page
    assert violations_on(page) == [each.id for each in estate.contradictions]
    assert "strange" in text_of(client, f"/violations/{violations_on(page)[0]}")
    estate.contradictions.clear()
    assert "No rules contradict each other." in text_of(client, "/conflicts")


@pytest.mark.parametrize("about", ["violation", "action", "pause"])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_escaped(client: FlaskClient, estate: StandIn, name: str, about: str) -> None:
    """A page about a hostile name says it as text, wherever it stands, with nothing that acts."""
    record = next(each for each in estate.records if each.row == (name,))
    (action, *_) = estate.actions.page(ActionFilter(objects=(name,))).items
    if about == "pause":
        estate.actions.pause("", name, name)
    paths = {"violation": f"violations/{record.id}", "action": f"actions/{action.id}", "pause": "actions?state=failed"}
    page = client.get(f"/console/{paths[about]}").text
    shown = visible(name)[: 60 if about == "pause" else 200]
    assert str(escape(shown)) in page
    assert not [character for character in page if not character.isprintable() and character not in "\n"]
    outside = re.sub(r'"[^"]*"', '""', page)  # tags with their attributes' values left out
    assert not re.search(r"<(script|img|svg|b)\b(?![^>]*( src=" "|width))", outside)
    assert not re.search(r"<[^>]*\son\w+=", outside)


# -- the list of violations --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 38),
        ("severity=critical", 20),
        ("severity=high&policy=vnf_liveness", 4),
        ("policy=images", 0),
        ("policy=images&state=waived", 2),
        ("state=any", 40),
        ("text=EDGE-FW-BETA&policy=service_chains", 4),
        ("source=wild", 15),
        ("since=1h&policy=anti_affinity", 2),
        ("severity=terrible&state=lost&sort=up&since=ever", 38),
        ("unknown=1&limit=-5", 38),
    ],
)
def test_filters(client: FlaskClient, estate: StandIn, query: str, count: int) -> None:
    """Each parameter narrows the list; one that says nothing sensible is as if it were not there."""
    answer = client.get(f"/console/violations?{query}")
    assert answer.status_code == 200
    assert len(violations_on(answer.text)) == count


def test_paging(client: FlaskClient, estate: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that follow each other hold every violation once, and keep the filter."""
    monkeypatch.setattr("congresslite.server.console.pages.PAGE", 7)
    address, found = "/console/violations?severity=critical&sort=policy", []
    for _ in range(10):
        page = client.get(address).text
        found += violations_on(page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        if following is None:
            break
        address = html.unescape(following[1])
    assert sorted(found) == sorted(each.id for each in estate.records if each.rule.severity == "critical")


def test_what_is_undetermined_is_never_nothing(client: FlaskClient, estate: StandIn) -> None:
    """Where a source is stale, no page says that there is no violation."""
    for each in estate.records:
        estate.resolve(each.id)
    assert "None that is known of" in text_of(client, "/violations")
    assert "0 open violations, as far as is known" in text_of(client, "/")
    estate.stale.clear()
    assert "There is no such violation" in text_of(client, "/violations")
    overview = text_of(client, "/")
    assert "0 open violations" in overview
    assert "as far as is known" not in overview


def test_overview_says_why(client: FlaskClient) -> None:
    """The overview says which source is stale, since when, why, and which policies cannot be told."""
    overview = text_of(client, "/")
    assert re.search(r"vnfm inventory stale last read \d+ min ago , not current since \d+ min ago", overview)
    assert "does not answer: connection refused" in overview
    assert "3 policies: anti_affinity , vnf_alarms , vnf_liveness" in overview


# -- one violation -----------------------------------------------------------------------------------


def test_violation(client: FlaskClient, estate: StandIn) -> None:
    """A violation's page says what is wrong, by which rule, since when, and why, down to the age of each row."""
    record = next(each for each in estate.records if each.rule.rule == "cut-off")
    page = text_of(client, f"/violations/{record.id}")
    for told in (record.message, "service_chains.dl:21", "cut-off", "not yet", "a change", "no such row"):
        assert told in page
    assert re.search(r"pop:links \( .*? \) \d+ (s|min) ago", page)
    assert "undetermined" not in page


def test_violation_that_is_waived(client: FlaskClient, estate: StandIn) -> None:
    """The waiver that covers a violation is told: whose it is, why, and until when."""
    record = next(each for each in estate.records if each.waiver is not None)
    page = text_of(client, f"/violations/{record.id}")
    for told in ("waived", "ada", "replaced next week <b>", "OPS-1", "2027-01-31"):
        assert told in page


def test_violation_that_is_unsure(client: FlaskClient, estate: StandIn) -> None:
    """A violation that rests on a stale table says so, and why."""
    record = next(each for each in estate.records if each.rule.policy == "vnf_alarms")
    page = text_of(client, f"/violations/{record.id}")
    assert "It is not known whether this still holds" in page
    assert "connection refused" in page


def test_violation_that_went(client: FlaskClient, estate: StandIn) -> None:
    """What is resolved keeps its page, with nothing left to explain."""
    record = estate.records[0]
    estate.resolve(record.id)
    assert "It does not hold any more" in text_of(client, f"/violations/{record.id}")


def test_explanation_from_a_row_on(client: FlaskClient, estate: StandIn) -> None:
    """An explanation can be shown from any of its rows on; a row that is not part of it is said to be none."""
    record = next(each for each in estate.records if each.rule.rule == "too-far")
    first = client.get(f"/console/violations/{record.id}").text
    following = re.search(r'class="more" href="([^"]*)"', first)
    assert following is not None
    deeper = client.get(html.unescape(following[1]).partition("#")[0]).text
    assert "Back to the beginning" in deeper
    gone = text_of(client, f"/violations/{record.id}?from=0123")
    assert "This row is not part of the explanation any more" in gone


# -- tables, policies --------------------------------------------------------------------------------


def test_table(client: FlaskClient) -> None:
    """A table's page has its columns with types, keys and references, and the rows that a filter leaves."""
    page = text_of(client, "/tables/nova:servers?c.status=SHUTOFF&c.nothing=1")
    assert "Virtual machines of all projects" in page
    assert "flavor_id str nova:flavors id" in page
    rows, _, schema = page.partition(" Columns Column ")
    assert "SHUTOFF" in rows
    assert "ACTIVE" not in rows
    assert "id key str" in schema


@pytest.mark.parametrize("query", ["offset=-1", "offset=x", "offset=99999999", "c.a=%00", "c.=1"])
def test_table_with_odd_parameters(client: FlaskClient, query: str) -> None:
    """Whatever stands in the address, there is a page."""
    assert client.get(f"/console/tables/net:links?{query}").status_code == 200


def test_table_that_cannot_be_read(client: FlaskClient, estate: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table whose rows cannot be fetched shows why, and its schema nevertheless."""
    finding = Diagnostic("CL474", "the pull took longer than its deadline", hint="raise `deadline`")

    def rows(*_: object, **__: object) -> None:
        raise SourceError(finding)

    monkeypatch.setattr(estate, "rows", rows)
    page = text_of(client, "/tables/nova:servers")
    assert "CL474 the pull took longer than its deadline raise `deadline`" in page
    assert "flavor_id" in page


def test_policy(client: FlaskClient) -> None:
    """A policy's page has its text line by line, and its older versions."""
    page = text_of(client, "/policies/strange")
    assert '@id("too-far") @severity("low")' in page
    assert 'id="L5"' in client.get("/console/policies/strange").text
    assert "not the current one" in text_of(client, "/policies/strange?version=1")


def test_every_page_is_closed(client: FlaskClient) -> None:
    """Where nobody says who calls, no page opens."""
    client.application.before_request_funcs[None].clear()
    for address in (*PAGES, *ACTION_PAGES):
        assert client.get(f"/console{address}").status_code in (401, 404), address
