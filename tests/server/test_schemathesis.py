"""The OpenAPI document against the server: whatever is asked, no internal error and no answer that it does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from congresslite.live import LiveEstate
from congresslite.server.app import create_app
from tests.server.conftest import bearer, config_of, fill, running, with_tokens
from tests.server.test_contract import NAMED

# A stream has no end, and has tests of its own; the document itself is where the others are from.
ASKED = [name for name in NAMED if name not in ("GET /v1/violations:watch", "GET /openapi.json")]
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
QUICK, LONG = 8, 200


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEstate]:
    config = config_of(tmp_path_factory.mktemp("asked"))
    with running(config) as estate:
        fill(create_app(estate, config).test_client())
        yield estate


@pytest.fixture(scope="module")
def operations(estate: LiveEstate, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The operations of a server that asks nobody who they are, by name."""
    return _operations(create_app(estate, config_of(tmp_path_factory.mktemp("open"))))


@pytest.fixture(scope="module")
def guarded(estate: LiveEstate, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The operations of a server that does."""
    return _operations(create_app(estate, config_of(tmp_path_factory.mktemp("guarded"), auth=with_tokens())))


def _operations(app: Any) -> dict[str, Any]:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return {f"{each.method.upper()} {each.path}": each for each in found}


def attack(operation: Any, examples: int, headers: dict[str, str]) -> None:
    """Ask with what fits the document and with what does not."""
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=examples == QUICK,
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(cases)
        response = case.call(headers=headers)
        assert response.status_code not in (500, 501, 504), response.text
        case.validate_response(response, checks=CHECKS)

    ask()


@pytest.mark.parametrize("name", ASKED)
def test_whatever_is_asked(operations: dict[str, Any], name: str) -> None:
    """Each operation answers as the document says, to everything."""
    attack(operations[name], QUICK, {})


@pytest.mark.parametrize("role", ["viewer", "admin"])
@pytest.mark.parametrize("name", ASKED)
def test_whatever_somebody_asks(guarded: dict[str, Any], name: str, role: str) -> None:
    """The same holds where callers have to say who they are."""
    attack(guarded[name], QUICK // 4, bearer(role))


@pytest.mark.long
@pytest.mark.parametrize("name", ASKED)
def test_whatever_is_asked_for_long(operations: dict[str, Any], name: str) -> None:
    """And it holds for long."""
    attack(operations[name], LONG, {})
