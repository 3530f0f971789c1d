"""An estate whose policies command: rows are pushed, and what is commanded goes to a target that writes lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient

from tests.server.conftest import fill
from tests.waiting import until

# Enough may be acted upon, unless a test wants to see that it may not.
ACTING: Mapping[str, Any] = {
    "enforcement": {"targets": {"log": {"executor": "log", "source": "inv"}}},
    "max_affected": {"amount": 100, "percent": 100},
}


def policy(**settings: object) -> str:
    """A policy that notes each busy machine, with these settings."""
    said = ", ".join(f"{name}={json.dumps(each)}" for name, each in settings.items())
    return f'policy act({said}).\n@id("note") execute[log:note(v, n)] :- inv:vm(id=v, n=n), n > 2.\n'


def command(client: FlaskClient, headers: Mapping[str, str] | None = None, **settings: object) -> None:
    """Push rows, `b` and `c` of which are busy, and the policy."""
    fill(client, headers)
    answer = client.put("/v1/policies/act", json={"text": policy(**settings)}, headers=headers)
    assert answer.status_code == 201, answer.text


def listed(client: FlaskClient, query: str = "", headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Actions as they are listed."""
    answer = client.get(f"/v1/actions{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def come(
    client: FlaskClient, state: str, count: int = 2, headers: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The actions in a state, once there are so many, by their objects."""

    def look() -> list[dict[str, Any]] | None:
        found = listed(client, f"?state={state}", headers)
        return sorted(found, key=lambda each: each["object"]) if len(found) == count else None

    return until(look)
