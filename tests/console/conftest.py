"""A console to look at: by a client of Flask's, and in a browser."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from congresslite import Engine
from congresslite.live import LiveEstate
from congresslite.share import share
from tests.console.stand_in import StandIn, create_stand_in, load

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The example estate and the hostile tables, evaluated."""
    return load(tmp_path_factory.mktemp("estate"))


@pytest.fixture
def estate(engine: Engine) -> Iterator[StandIn]:
    """An estate that a test may change."""
    estate = StandIn(engine)
    yield estate
    estate.stop()


@pytest.fixture
def client(estate: StandIn) -> FlaskClient:
    """A client of a console that lets everybody in."""
    return create_stand_in(estate).test_client()


Serve = Callable[[Flask], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application on loopback; gives the address of its console."""
    running = []

    def start(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.port}/console"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def address(estate: LiveEstate, serve: Serve) -> str:
    """The address of a console that lets everybody in."""
    return serve(create_stand_in(estate))


def missing(reason: str) -> None:
    """Skip a test whose component is not there; where it must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium; of one module, since as long as it runs this thread has an event loop, which others may not."""
    if not CHROMIUM.exists():
        missing("there is no Chromium; `apt-get install chromium` brings one")
    if not (share("web") / "static" / "vendor" / "htmx.min.js").exists():
        missing("the scripts are not built; `npm ci --prefix web && npm run --prefix web build` does")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """A page, and whatever it said or asked for that it should not have."""

    page: Page
    wrong: list[str] = field(default_factory=list)


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """A page that must keep quiet: no word on the console, no error, no request to anywhere but the server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    page = context.new_page()
    watched = Watched(page)
    host = address.removesuffix("console")
    page.on("console", lambda message: watched.wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: watched.wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: watched.wrong.append(f"dialog: {dialog.message}"))
    context.on(
        "request",
        lambda request: None if request.url.startswith(host) else watched.wrong.append(f"asked {request.url}"),
    )
    page.on(
        "response",
        lambda answer: watched.wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
    )
    # Violations of the policy are told to the page too, whatever the console shows.
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (event) => console.log('policy: ' + event.blockedURI))"
    )
    yield watched
    context.close()
    assert watched.wrong == []
