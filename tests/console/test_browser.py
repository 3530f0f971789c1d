"""The console in a real Chromium: quiet, current, safe, and usable without a mouse or without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from congresslite.diagnostics.visible import visible
from congresslite.store.records import ActionFilter
from tests.console.conftest import Watched
from tests.console.stand_in import HOSTILE, StandIn

pytestmark = pytest.mark.xdist_group("browser")  # one Chromium for all of them

WIDTHS = (1440, 390)


def addresses(estate: StandIn) -> list[str]:
    """One page of each kind, those with hostile names among them."""
    shown = ("service_chains", "images", "vnf_alarms", "strange")
    ids = [next(each.id for each in estate.records if each.rule.policy == policy) for policy in shown]
    lists = ["/", "/violations", "/violations?policy=strange&state=any", "/conflicts"]
    lists += ["/actions", "/actions?state=any&plan=000000000000", "/tables", "/sources", "/policies"]
    single = ["/tables/wild:things", "/tables/nova:servers", "/policies/strange", "/policies/strange?version=1"]
    ids.append(next(iter(estate.contradictions)).id)
    states = {each.state: each.id for each in estate.actions.page(ActionFilter()).items}
    acted = [f"/actions/{states[state]}" for state in ("held", "cancelled", "planned")]
    return [*lists, *acted, *single, *(f"/violations/{id}" for id in ids)]


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_quiet_and_fits(watched: Watched, estate: StandIn, address: str, width: int) -> None:
    """No page says anything on the console, breaks its policy, asks anybody else, or is wider than its window."""
    watched.page.set_viewport_size({"width": width, "height": 900})
    for each in addresses(estate):
        watched.page.goto(address + each)
        assert overflow(watched.page) <= 0, each
        assert watched.page.title().endswith("· congresslite")
        assert watched.page.locator("main h1").count() == 1


def test_hostile_names_are_text(watched: Watched, address: str) -> None:
    """Whatever a name holds, a table shows it as text: nothing runs, nothing is loaded, nothing turns around."""
    watched.page.goto(f"{address}/tables/wild:things")
    shown = watched.page.locator("#found td:nth-child(2)").all_text_contents()
    for name in HOSTILE.values():
        expected = visible(name) if len(name) <= 200 else f"{name[:200]}…"
        assert expected in shown
    assert watched.page.title() == "wild:things · congresslite"
    assert watched.page.locator("main img, main svg, main script, main b, [onfocus], [onload]").count() == 0


def test_an_event_updates_the_overview(watched: Watched, estate: StandIn, address: str) -> None:
    """What changes in the estate is on the page without anybody reloading it."""
    page = watched.page
    page.goto(f"{address}/")
    page.evaluate("window.stillTheSame = true")
    open_ = len([each for each in estate.records if each.waiver is None])
    total = page.locator(".total strong")
    assert total.text_content() == str(open_)
    critical = [each for each in estate.records if each.rule.severity == "critical"]
    for each in critical[:3]:
        estate.resolve(each.id)
    page.locator(".total strong", has_text=re.compile(f"^{open_ - 3}$")).wait_for()
    assert page.evaluate("window.stillTheSame")


def test_a_lost_connection_shows(
    watched: Watched, estate: StandIn, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old numbers are not taken for new ones: the page says that it is not connected any more."""
    watched.page.goto(f"{address}/")
    status = watched.page.locator("#events")
    status.filter(has_text="live").wait_for()

    def watch(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(estate, "watch", watch)
    estate.stop()
    status.filter(has_text="not connected").wait_for()
    watched.wrong.clear()  # the browser tells that it cannot connect


def test_filter_and_page(watched: Watched, estate: StandIn, address: str) -> None:
    """A choice filters at once and can be bookmarked; the next page follows the first."""
    page = watched.page
    page.goto(f"{address}/violations")
    page.get_by_role("combobox", name="Severity", exact=True).select_option("critical")
    page.wait_for_url(re.compile("severity=critical"))
    shown = page.locator("#results tbody tr")
    expect(shown).to_have_count(len([each for each in estate.records if each.rule.severity == "critical"]))
    page.get_by_role("searchbox", name="Text").fill("<script>")
    page.get_by_role("searchbox", name="Text").press("Enter")
    expect(shown).to_have_count(1)
    page.goto(f"{address}/tables/net:links")
    page.get_by_role("link", name="Next page").click()
    page.get_by_text("51–60 of 60 rows").wait_for()
    page.get_by_role("textbox", name="a is", exact=True).fill("n7")
    page.get_by_role("textbox", name="a is", exact=True).press("Enter")
    page.get_by_text("1–1 of 1 row").wait_for()


def test_a_high_proof_is_unfolded_where_it_is(watched: Watched, estate: StandIn, address: str) -> None:
    """Deeper levels of an explanation come when they are asked for, down to the rows of a source."""
    page = watched.page
    far = next(each for each in estate.records if each.rule.rule == "too-far")
    page.goto(f"{address}/violations/{far.id}")
    for _ in range(10):
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        more = page.locator("#tree a.more", has_text="more level")
        if more.count() == 0:
            break
        target = more.first.get_attribute("href")
        more.first.click()
        page.locator(f'#tree a.more[href="{target}"]').wait_for(state="detached")
    assert page.locator("#tree li", has_text='a="n0", b="n1"').count() > 0
    assert page.locator("#tree").get_by_text('net:links(a="n0", b="n1")').count() >= 1


def test_decisions(watched: Watched, estate: StandIn, address: str) -> None:
    """What waits is approved with a click, another cancelled for a reason, which a refresh of the page leaves alone."""
    page = watched.page
    page.goto(f"{address}/actions")
    waiting = page.get_by_role("table", name="Waiting for a person").locator("tbody tr")
    expect(waiting).to_have_count(9)
    held, other = estate.actions.page(ActionFilter(states=("held",))).items[:2]
    page.goto(f"{address}/actions/{held.id}")
    page.get_by_role("button", name="It was not done").click()
    expect(page.locator(".badges .tag").first).to_have_text("planned")
    expect(page.get_by_text("approved by local")).to_have_count(2)
    page.goto(f"{address}/actions/{other.id}")
    page.get_by_role("textbox").fill("done by hand <b>")
    with page.expect_response(lambda answer: "/actions/" in answer.url):
        estate.resolve(estate.records[0].id)
    expect(page.get_by_role("textbox")).to_have_value("done by hand <b>")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".badges .tag").first).to_have_text("cancelled")
    page.get_by_text("cancelled by local: done by hand <b>").first.wait_for()
    page.goto(f"{address}/actions")
    expect(waiting).to_have_count(7)


def test_the_kill_switch(watched: Watched, estate: StandIn, address: str) -> None:
    """One click pauses everything, which pages then say, and another one resumes it."""
    page = watched.page
    page.goto(f"{address}/actions")
    page.get_by_label("because").fill("storm")
    page.get_by_role("button", name="Pause everything").click()
    page.get_by_role("heading", name="Paused").wait_for()
    assert [(each.scope, each.by, each.reason) for each in estate.actions.pauses] == [("", "local", "storm")]
    page.goto(f"{address}/")
    page.get_by_role("button", name="Resume everything").click()
    expect(page.get_by_role("heading", name="Paused")).to_have_count(0)
    assert estate.actions.pauses == ()


def test_keyboard(watched: Watched, address: str) -> None:
    """The keyboard alone leads past the navigation, into the list and to a violation."""
    page = watched.page
    page.goto(f"{address}/violations")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for _ in range(30):
        page.keyboard.press("Tab")
        if "/violations/" in (page.evaluate("document.activeElement.href || ''")):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/violations/[0-9a-f]{32}$"))
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is None


def test_without_scripts(browser: Browser, estate: StandIn, address: str) -> None:
    """Links and forms do all of it where scripts are switched off."""
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(f"{address}/")
    page.get_by_role("link", name="service_chains").first.click()
    rows = page.locator("#results tbody tr")
    assert rows.count() == len([each for each in estate.records if each.rule.policy == "service_chains"])
    page.get_by_role("combobox", name="State", exact=True).select_option("resolved")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("None that is known of.").wait_for()
    far = next(each for each in estate.records if each.rule.rule == "too-far")
    page.goto(f"{address}/violations/{far.id}")
    page.locator("details:not([open]) > summary").first.click()
    while page.locator("#tree details:not([open]) > summary:visible").count():
        page.locator("#tree details:not([open]) > summary:visible").first.click()
    page.locator("#tree a.more").first.click()
    page.get_by_role("link", name="Back to the beginning").wait_for()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(watched: Watched, estate: StandIn, address: str, scheme: str) -> None:
    """Every text has a contrast of at least 4.5 : 1 to what it stands on, in both themes."""
    page = watched.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for each in addresses(estate)[:11]:
        page.goto(address + each)
        assert page.evaluate(FAINT) == [], each


# Texts whose contrast is too low, by the WCAG formula; colours are painted, so that any notation is understood.
FAINT = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((each) => linear(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("option") || !element.checkVisibility()) continue;
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const ground = paint(behind), text = paint([...behind, getComputedStyle(element).color]);
    const [high, low] = [light(ground), light(text)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    const told = `${element.textContent.trim().slice(0, 30)} (${element.className})`;
    if (contrast < 4.5) found.push(`${told}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(found)];
}"""
