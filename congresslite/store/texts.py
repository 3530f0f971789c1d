"""
Texts as a database can hold them, and as they were.

PostgreSQL has no NUL in a text, no database has half of a surrogate pair, and
an index takes names of some length only. Names come from systems that anybody
may write to, so none of them may make a write fail: what cannot be held is
escaped, and long names are shortened to their start and a hash.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

_ESCAPE = "\uffff"  # no character, so that nothing ordinary has to be escaped
_UNHOLDABLE = re.compile("[\0\ud800-\udfff\uffff]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")
_LONGEST = 200


def held(text: str) -> str:
    """The text as a database holds it."""
    if _UNHOLDABLE.search(text) is None:
        return text
    return _UNHOLDABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):04x}", text)


def told(text: str) -> str:
    """The text that is held, as it was."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if _ESCAPE in text else text


def name(text: str | None) -> str:
    """A name as it is held and looked for; none is the empty one."""
    if not text:
        return ""
    if len(text) > _LONGEST:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        text = f"{text[: _LONGEST - 20]}…{digest}"
    return held(text)


def told_name(text: str) -> str | None:
    """The name that is held; None for none."""
    return told(text) or None


class AnyText(TypeDecorator[str]):
    """A column of texts that may hold any character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is sent to the database."""
        del dialect
        return None if value is None else held(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """What was read from it."""
        del dialect
        return None if value is None else told(value)
