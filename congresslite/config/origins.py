"""
Where each value of the configuration was said, and which of them are secret.

The rule to keep: what came from `{env: …}` or `{file: …}`, and whatever stands
under a name that sounds of a secret, is never shown; not even in a finding
that says what is wrong with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from congresslite.diagnostics import Span

Path = tuple[str | int, ...]  # ("server", "listen"), ("auth", "tokens", 0, "name")

MASK = "********"
_SECRET = re.compile(r"pass|secret|token|credential|private|communit|authorization|cookie|(^|[_.-])key$", re.IGNORECASE)
# What only says where a secret is, or how long it lasts, is none.
_ABOUT = re.compile(r"(url|uri|path|file|name|claim|lifetime)s?$|every$", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^/?#@\s:]*):([^/?#@\s]*)(?=@)")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was said. `hidden`: it came from elsewhere by `{env: …}` or `{file: …}`."""

    kind: Literal["default", "file", "env", "flag"]
    place: str = ""
    span: Span | None = None
    hidden: bool = False

    def __str__(self) -> str:
        match self.kind:
            case "file":
                return self.place
            case "default":
                return "default"
            case _:
                return f"{self.kind} {self.place}"


DEFAULT = Origin("default")


def dotted(path: Path) -> str:
    """A path as people write it: `auth.tokens[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def secret(path: Path) -> bool:
    """Whether what stands here is to be kept from sight, as its names say.

    Of a source what its driver alone knows, of a target what its executor does; what programs find in their environment
    and what is sent in headers is always such.
    """
    if path[:1] == ("sources",):
        names = [part for part in path[2:] if isinstance(part, str)]
        if names[:1] == ["tables"]:
            # A table or a column may be called what it likes, and the `key` of a table tells its rows apart.
            names = [] if names[2:3] in (["key"], ["columns"]) else names[2:]
    elif path[:2] == ("enforcement", "targets"):
        names = [part for part in path[3:] if isinstance(part, str)]
        if names[:1] in (["environment"], ["headers"]) and len(names) > 1:
            return True
    else:
        return False
    return any(_SECRET.search(name) and not _ABOUT.search(name) for name in names)


def without_password(text: str) -> str:
    """A text without the password of the address that it may be."""
    return _USERINFO.sub(rf"\1:{MASK}", text)


def with_password(text: str, known: str) -> str:
    """A text that may have been shown `without_password`, with the passwords of the text that is known."""
    passwords = (each[2] for each in _USERINFO.finditer(known))

    def filled(match: re.Match[str]) -> str:
        password = next(passwords, MASK)
        return f"{match[1]}:{password}" if match[2] == MASK else match[0]

    return _USERINFO.sub(filled, text)


def marked(text: str) -> bool:
    """Whether a text is the mark of a secret, or has it in place of a password."""
    return text == MASK or any(each[2] == MASK for each in _USERINFO.finditer(text))
