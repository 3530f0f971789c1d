"""
Reading requests: strict JSON and strict parameters, with every fault told at once.

The rule to keep: what passes here can be stored and sent back. A body is of the
kind that it says, not nested beyond reason, and its texts are whole Unicode
without NUL; a parameter is given once unless it is a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, get_origin

from apiflask.schema_adapters.pydantic import PydanticAdapter
from flask import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict

from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import did_you_mean
from congresslite.server.problems import ProblemError

MOST_NESTED = 64
_PLACES = {"json": "body", "query": "query"}
# Escapes that may stand for NUL or for half of a character: only they make it worth while to look at every text.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class RequestAdapter(PydanticAdapter):
    """How the framework reads a request into a pydantic model."""

    def validate_input(self, request: Request, location: str, **named: Any) -> BaseModel:
        """The model of a request's body or parameters. Raises ProblemError."""
        del named
        given = read_json(request) if location == "json" else parameters(request.args, self.model_class)
        return validated(self.model_class, given, _PLACES[location])


def validated(model: type[BaseModel], given: Any, place: str) -> BaseModel:
    """What was given, as a model. Raises ProblemError with all that is wrong."""
    try:
        # What JSON tells apart stays apart; parameters are all texts.
        return model.model_validate(given, strict=place == _PLACES["json"])
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise ProblemError(422, [_finding(each, place, model) for each in found]) from None


def read_json(request: Request) -> Any:
    """The JSON body of a request; an empty object where there is none. Raises ProblemError."""
    raw = request.get_data(cache=True)
    if not raw and not request.mimetype:
        return {}
    if not request.is_json:
        raise ProblemError(415, Diagnostic("CL553", "the body is no JSON", hint="send it as `application/json`"))
    return parse_json(raw)


def parse_json(raw: bytes | str, place: str = "body") -> Any:
    """JSON as the standard says, not deeper than is reasonable, of texts that can be stored. Raises ProblemError."""
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except RecursionError:
        _unreadable("the body is nested too deeply", place)
    except UnicodeDecodeError:
        _unreadable("the body is not UTF-8", place)
    except json.JSONDecodeError as error:
        _unreadable(f"the body is no JSON: {error.msg.lower()}", f"{place}:{error.lineno}:{error.colno}")
    except ValueError:  # a constant that JSON lacks, or a number of thousands of digits
        _unreadable("the body holds a number that is none in JSON, or too long", place)
    encoded = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    _check(value, place, texts=_SUSPECT.search(encoded) is not None)
    return value


def check_text(text: str, place: str) -> None:
    """Raise ProblemError for a text that no database and no answer can hold."""
    if "\0" in text:
        _unreadable("a text holds the character NUL", place)
    try:
        text.encode()
    except UnicodeEncodeError:
        _unreadable("a text holds half of a character", place)


def _check(value: Any, place: str, *, texts: bool) -> None:
    """Raise ProblemError if a value is nested too deeply, or if one of its texts cannot be stored."""
    level = [value]
    for _ in range(MOST_NESTED):
        deeper: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                deeper += each.values()
                if texts:
                    deeper += each.keys()
            elif isinstance(each, list):
                deeper += each
            elif texts and isinstance(each, str):
                check_text(each, place)
        if not deeper:
            return
        level = deeper
    _unreadable("the body is nested too deeply", place)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unreadable(message: str, place: str) -> NoReturn:
    raise ProblemError(400, Diagnostic("CL551", message, place=place))


def parameters(given: MultiDict[str, str], model: type[BaseModel]) -> Mapping[str, Any]:
    """Parameters as a model takes them: a list where it wants one, else the one value."""
    result: dict[str, Any] = {}
    for name, values in given.lists():
        field = model.model_fields.get(name)
        if field is not None and get_origin(field.annotation) is list:
            result[name] = values
        elif len(values) > 1:
            raise ProblemError(422, Diagnostic("CL550", f"`{name}` is given more than once", place=f"query.{name}"))
        else:
            result[name] = values[0]
    return result


def _finding(error: ErrorDetails, place: str, model: type[BaseModel]) -> Diagnostic:
    path = ".".join(str(part) for part in error["loc"])[:200]
    where = f"{place}.{path}" if path else place
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])[:100]
        known = model.model_fields if len(error["loc"]) == 1 else ()
        return Diagnostic("CL550", f"`{name}` is unknown here", place=where, hint=did_you_mean(name, known))
    message = error["msg"].removeprefix("Value error, ")
    return Diagnostic("CL550", f"{message[:1].lower()}{message[1:]}"[:500], place=where)
