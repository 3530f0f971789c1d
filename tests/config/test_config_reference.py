"""The published schema: it says what the code does, and takes what the code takes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from congresslite.config.loading import _model_in
from congresslite.config.models import Config
from congresslite.config.schema import json_schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def keys(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a model with its help."""
    for name, field in model.model_fields.items():
        within = _model_in(field.annotation)
        whole = str(field.annotation)
        key = f"{path}{name}"
        if within is None:
            yield key, field.description or ""
        else:
            many = "[]" if "tuple[" in whole else ".NAME" if "dict[" in whole else ""
            yield from keys(within, f"{key}{many}.")


def test_schema_is_published() -> None:
    """The schema in the documentation is that of the code; UPDATE_GOLDEN=1 writes it."""
    path = REFERENCE / "config.schema.json"
    text = json.dumps(json_schema(), indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_every_key_has_help() -> None:
    """Each key has one line of help, which the schema shows in an editor."""
    assert [key for key, description in keys(Config) if not 10 < len(description) < 100 or description[-1] != "."] == []


VALID = {
    "nothing": "{}",
    "everything": """
server: {listen: "0.0.0.0:80", threads: 4, tls: {certificate: a, key: {env: K}}, body_limit: 5MB, hosts: [a]}
database: {url: {file: url}}
auth: {required: auto, tokens: [{name: a, role: admin, sha256: "%s"}], oidc: {issuer: "https://a", audience: b}}
sources: {nova: {driver: openstack, every: 5m, cloud: x, nested: {any: [1, null]}}}
history: {keep: 30d}
""" % ("0" * 64),
}  # fmt: skip
INVALID = {
    "an unknown key": "{servr: {}}",
    "a wrong kind": "{server: {threads: lots}}",
    "a wrong role": "{auth: {tokens: [{name: a, role: boss, sha256: '%s'}]}}" % ("0" * 64),
    "a time that is none": "{history: {keep: long}}",
    "a source without a driver": "{sources: {a: {}}}",
    "half of elsewhere": "{database: {url: {}}}",
}  # fmt: skip


@pytest.mark.parametrize(("text", "valid"), [*((each, True) for each in VALID.values()), *(
    (each, False) for each in INVALID.values())], ids=[*VALID, *INVALID])  # fmt: skip
def test_schema_takes_what_the_code_takes(text: str, valid: bool) -> None:
    """An editor that goes by the schema accepts what we accept, and marks what we refuse."""
    schema: dict[str, Any] = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(text)))
    assert (errors == []) == valid, errors
