"""
What the executor `http` wants to know: how the service is reached, as for the driver `rest`, and what it can do.

An action is described as data: its request as templates with places for terms (`{object}`, `{key}`, `{NAME}`, `{1}`),
and how one learns whether it was done. What is wrong in that is found when it is read, not when it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from congresslite.actions import ActionKind, Parameter, kinds_of
from congresslite.enforcement.connection import Connection
from congresslite.enforcement.http.calls import Caller, SharedAuth
from congresslite.enforcement.terms import places
from congresslite.sources.drivers import rest

_KNOWN = {"object", "key"}  # beside the parameters that an action names


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"`{text}` is no JMESPath expression: {str(error).splitlines()[0]}") from None
    return text


class Done(_Model):
    """How to ask whether an action was done, of which nothing was heard."""

    path: str = Field(description="What to GET, as a template.")
    jmespath: str = Field(description="True if it was done, false if it was not; anything else says nothing.")
    missing: bool | None = Field(default=None, description="What it means that there is no such thing (404).")

    _checked = field_validator("jmespath")(_expression)


class Follow(_Model):
    """How to follow what was accepted (202) to its end."""

    path: str | None = Field(default=None, description="What to GET, as a template; what `Location` says by default.")
    state: str = Field(description="The JMESPath of its state.")
    succeeded: tuple[str, ...] = Field(min_length=1, description="States that mean that it is done.")
    failed: tuple[str, ...] = Field(default=(), description="States that mean that it failed.")

    _checked = field_validator("state")(_expression)


class HttpAction(_Model):
    """One action."""

    method: Literal["GET", "PUT", "POST", "PATCH", "DELETE"]
    path: str = Field(description="The path below the address of the service, as a template.")
    parameters: tuple[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], ...] = Field(
        default=(), description="The names of the terms after the object."
    )
    body: Any = Field(default=None, description="The body, as JSON with templates as its strings; none by default.")
    expect: tuple[Annotated[int, Field(ge=200, le=599)], ...] = Field(
        default=(), description="The codes that mean that it is done, beside 200 to 299."
    )
    repeatable: bool | None = Field(
        default=None, description="Whether doing it twice is as doing it once; so for GET, PUT and DELETE by default."
    )
    inverse: str | None = Field(default=None, description="The action that undoes it.")
    effects: tuple[str, ...] = Field(default=(), description="What it changes, as rules, see actions.")
    help: str = Field(default="", description="What it does, in a line.")
    done: Done | None = None
    follow: Follow | None = None

    @model_validator(mode="after")
    def _places(self) -> Self:
        if len(set(self.parameters)) < len(self.parameters) or _KNOWN & set(self.parameters):
            raise ValueError(f"parameters need names of their own, other than {' and '.join(sorted(_KNOWN))}")
        for name in self.names():
            if not name.isdigit() and name not in _KNOWN and name not in self.parameters:
                raise ValueError(f"`{{{name}}}` is none of its parameters")
        for path in self.paths():
            if not path.startswith("/") or {"..", "."} & set(path.partition("?")[0].split("/")) or "#" in path:
                raise ValueError(f"`{path}` should be a path as `/THINGS/{{object}}`, without `..`")
        return self

    def paths(self) -> Iterator[str]:
        """All its templates of paths."""
        found = (self.path, self.done and self.done.path, self.follow and self.follow.path)
        return (each for each in found if each)

    def names(self) -> Iterator[str]:
        """The names of all places in its templates. Raises ValueError."""
        for each in (*self.paths(), *_strings(self.body)):
            yield from places(each)

    def kind(self, name: str) -> ActionKind:
        """What it is, for those who decide about it."""
        repeatable = self.method in ("GET", "PUT", "DELETE") if self.repeatable is None else self.repeatable
        parameters = (Parameter("object", "any"), *(Parameter(each, "any") for each in self.parameters))
        rest_too = any(each.isdigit() for each in self.names())
        text = self.help or f"{self.method} {self.path}"
        return ActionKind(name, parameters, text, repeatable, self.inverse, self.effects, rest_too)


class Settings(Connection):
    """What the executor wants to know."""

    verbs: bool = Field(default=True, description="Whether there are `get`, `put`, `post`, `patch` and `delete` too.")
    actions: Mapping[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], HttpAction] = Field(
        default={}, description="What the service can do, by name."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, each in self.actions.items():
            if each.inverse is not None and each.inverse not in self.actions:
                raise ValueError(f"the inverse of `{name}`, `{each.inverse}`, is none of its actions")
        return self

    def kinds(self) -> dict[str, ActionKind]:
        """What can be done here."""
        verbs = {name: kind for name, kind in kinds_of("http").items() if name != "*"} if self.verbs else {}
        return {**verbs, **{name: each.kind(name) for name, each in self.actions.items()}}

    def auth_of_all(self) -> SharedAuth:
        """Who we are, for all callers."""
        return SharedAuth(rest.auth_of(self.auth, None))

    def caller(self, auth: SharedAuth) -> Caller:
        """A caller for one thread."""
        return Caller(self.options(), auth)


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for name, each in value.items():
                yield from (name, *_strings(each))
        case list() | tuple():
            for each in value:
                yield from _strings(each)
