"""
The OpenAPI document, finished: what the framework cannot know of errors, bodies and roles.

Every error is a problem document; which ones an operation can give follows from
its contract. Schemas have the names of their models, each once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask

from congresslite.server.contract import OPEN, Contract, contract_of
from congresslite.server.problems import MEDIA_TYPE
from congresslite.server.schemas.common import Problem

Document = dict[str, Any]
SCHEME = "bearer"

_PROBLEMS = {
    304: "Not changed",
    400: "The request cannot be read",
    401: "Nobody is known by this token, or there is none",
    403: "The role does not suffice, or the request comes from elsewhere",
    404: "There is nothing of that name",
    405: "The method is not taken here",
    409: "It cannot be changed here",
    412: "It was changed by somebody else",
    413: "The body is too big",
    415: "The body is of a kind that is not taken",
    422: "What was asked is not right; the findings say why",
    428: "The header `If-Match` is missing",
    429: "Too many tokens were not right; come again after `Retry-After` seconds",
    500: "An internal error",
    502: "The source cannot be read",
    503: "Not able to answer now",
    504: "An engine below does not answer",
}
_DONE = {200: "As asked", 201: "Added", 204: "Done"}


def finish(document: Document, app: Flask) -> Document:
    """The document with everything that our contracts say."""
    contracts = _contracts(app)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _operation(operation, contracts[path, method])
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.pop("HTTPError", None)  # the framework's own, that no answer is
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    components["securitySchemes"] = {SCHEME: {"type": "http", "scheme": "bearer"}}
    document = _flattened(document)
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    return document


def _contracts(app: Flask) -> Mapping[tuple[str, str], Contract]:
    """The contract of each path and method."""
    found: dict[tuple[str, str], Contract] = {}
    for rule in app.url_map.iter_rules():
        contract = contract_of(app, rule.endpoint)
        path = re.sub(r"<(?:[^<:>]+:)?([^>]+)>", r"{\1}", rule.rule)
        if contract is not None:
            found |= {(path, method.lower()): contract for method in rule.methods or ()}
    return found


def _operation(operation: Document, contract: Contract) -> None:
    operation["security"] = [] if contract.role == OPEN else [{SCHEME: []}]
    operation.setdefault("description", "")
    if contract.role != OPEN:
        operation["description"] += f"\n\nNeeds the role `{contract.role}` or a higher one."
    for parameter in operation["parameters"]:
        _parameter(parameter)
    _add(operation, contract.document)
    body = operation.get("requestBody")
    if body is not None:
        body["required"] = not contract.body_optional
    responses = operation["responses"]
    for status in _statuses(operation, contract):
        responses.setdefault(str(status), {})
    for status, response in responses.items():
        _response(response, int(status))
    if {"200", "201"} <= responses.keys():  # what is added is told as what is replaced
        responses["201"]["content"] = responses["200"]["content"]
    operation["responses"] = dict(sorted(responses.items()))


def _add(known: Document, more: Mapping[str, Any]) -> None:
    """Add to a document what it lacks; lists go on."""
    for name, value in more.items():
        if isinstance(value, Mapping):
            _add(known.setdefault(name, {}), value)
        elif isinstance(value, list):
            known[name] = [*known.get(name, ()), *value]
        else:
            known[name] = value


def _statuses(operation: Document, contract: Contract) -> set[int]:
    """What an operation may answer, beside what it says itself."""
    found = {400, 403, 500, 503}
    if contract.role != OPEN:
        found |= {401, 429}
    if "requestBody" in operation:
        found |= {413, 415, 422}
    if any(parameter["in"] == "query" for parameter in operation["parameters"]):
        found |= {422}
    if any(parameter["in"] == "path" for parameter in operation["parameters"]):
        found |= {404}
    return found


def _response(response: Document, status: int) -> None:
    if status >= 400:
        response["description"] = _PROBLEMS[status]
        response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        return
    if not response.get("description") or response["description"] == "Successful response":
        response["description"] = _DONE.get(status) or _PROBLEMS[status]
    if status in (204, 304):
        response.pop("content", None)


def _parameter(parameter: Document) -> None:
    """A parameter that is not given is not null, and its words belong beside its schema."""
    if parameter["in"] == "path":
        parameter["required"] = True
        parameter["schema"] = {**parameter["schema"], "minLength": 1}
        return
    schema = parameter["schema"]
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema |= kinds[0]
    elif kinds:
        schema["anyOf"] = kinds
    if schema.get("default", 0) is None:
        del schema["default"]
    if "description" in schema:
        parameter["description"] = schema.pop("description")


def _flattened(value: Any) -> Any:
    """Schemas by their models' names alone: the framework names them after whoever uses them first."""
    if isinstance(value, list):
        return [_flattened(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):
        return {**value, "$ref": _short(value["$ref"])}
    flat = {key: _flattened(each) for key, each in value.items()}
    if isinstance(flat.get("schemas"), dict):
        flat["schemas"] = {name.rpartition(".")[2]: each for name, each in flat["schemas"].items()}
    return flat


def _short(reference: str) -> str:
    head, _, name = reference.rpartition("/")
    return f"{head}/{name.rpartition('.')[2]}"
