"""
The JSON Schema of a configuration file, for editors and for checks without congresslite.

Wherever a text may stand, `{env: NAME}` and `{file: PATH}` may stand too; what
a driver or an executor alone knows is left open.
"""

from __future__ import annotations

from typing import Any

from congresslite.config.enforcement import TargetSettings
from congresslite.config.models import Config, SourceSettings

_ELSEWHERE = {
    "description": "A text that is taken from a variable of the environment, or from a file.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
    "additionalProperties": False,
}
_REFERENCE = {"$ref": "#/$defs/Elsewhere"}
_TEXT_KEYS = ("type", "pattern", "minLength", "maxLength", "enum", "const", "format", "writeOnly")


def json_schema() -> dict[str, Any]:
    """The schema of a configuration file."""
    schema: dict[str, Any] = _widened(Config.model_json_schema())
    for open_section in (SourceSettings, TargetSettings):
        section = schema["$defs"][open_section.__name__]
        del section["properties"]["settings"]
        section["additionalProperties"] = True
    schema["$defs"]["Elsewhere"] = _ELSEWHERE
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of congresslite",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def _widened(node: Any) -> Any:
    """A schema whose texts may come from elsewhere, without the titles that only repeat names."""
    if isinstance(node, list):
        return [_widened(each) for each in node]
    if not isinstance(node, dict):
        return node
    made: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            made[key] = {name: _widened(each) for name, each in value.items()}
        elif key == "propertyNames" or not (key == "title" and isinstance(value, str)):
            made[key] = value if key in ("propertyNames", "default") else _widened(value)
    if made.get("type") == "string":
        text = {key: made.pop(key) for key in _TEXT_KEYS if key in made}
        made["anyOf"] = [text, _REFERENCE]
    return made
