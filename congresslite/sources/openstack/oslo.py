"""
Notifications as oslo.messaging sends them: the type of an event and its payload, out of two layers of wrapping.

The envelope holds the message as a text; Nova's versioned payloads wrap each
object in its name and version. Whoever can reach the broker can send anything,
so nothing is taken for granted, and nothing of a message is ever logged: some
carry the tokens of users.
"""

from __future__ import annotations

import json
from typing import Any


class MalformedError(ValueError):
    """A message that is no notification."""


def read_notification(body: bytes | str) -> tuple[str, Any]:
    """The type of an event and its payload. Raises MalformedError."""
    message = _parsed(body)
    if isinstance(message, dict) and "oslo.message" in message:
        message = _parsed(message["oslo.message"])
    if not isinstance(message, dict) or not isinstance(message.get("event_type"), str):
        raise MalformedError("no type of event")
    try:
        return message["event_type"], unwrapped(message.get("payload"))
    except RecursionError:
        raise MalformedError("nested too deep") from None


def _parsed(text: Any) -> Any:
    if not isinstance(text, bytes | str):
        raise MalformedError("no text")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("no JSON") from None


def unwrapped(payload: Any) -> Any:
    """A payload without the wrapping of versioned objects."""
    match payload:
        case {"nova_object.data": data}:
            return unwrapped(data)
        case dict():
            return {key: unwrapped(value) for key, value in payload.items()}
        case list():
            return [unwrapped(value) for value in payload]
        case _:
            return payload
