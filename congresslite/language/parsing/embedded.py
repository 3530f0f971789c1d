"""
Texts within YAML: where each character of a scalar's value stands in the file.

YAML unquotes, unescapes, folds and strips indentation, so a finding about a
rule could not be shown in its file without this. Value and file are walked
side by side; what YAML left out is skipped.
"""

from __future__ import annotations

import yaml

# How many characters an escape of a double-quoted scalar takes after its backslash.
_ESCAPE_LENGTHS = {"x": 3, "u": 5, "U": 9}
_WHITE = " \t\r\n"


def offsets_of(text: str, node: yaml.ScalarNode) -> list[int]:
    """The place in `text` of each character of the node's value, and one more for its end."""
    start, end = node.start_mark.index, node.end_mark.index
    if node.style == '"':
        return _double_quoted(text, start + 1, end, node.value)
    position = start
    if node.style in ("|", ">"):
        # The first line says how the block is to be read; a comment may follow.
        position = text.find("\n", start, end) + 1 or end
    elif node.style == "'":
        position = start + 1
    offsets: list[int] = []
    for character in node.value:
        position = _find(text, position, end, character)
        offsets.append(min(position, end))
        if not character.isspace():
            position += 2 if character == "'" and node.style == "'" else 1
        elif position < end and text[position] == character:
            position += 1
    offsets.append(min(position, end))
    return offsets


def _find(text: str, position: int, end: int, character: str) -> int:
    """Where the next character of the value stands: white space may have been folded or stripped before it."""
    if character in _WHITE:
        return position
    while position < end and text[position] != character and text[position] in _WHITE:
        position += 1
    return position


def _double_quoted(text: str, position: int, end: int, value: str) -> list[int]:
    offsets: list[int] = []
    for character in value:
        while text.startswith("\\", position) and text[position + 1 : position + 2] in ("\n", "\r"):
            # An escaped line break and the indentation after it are no part of the value.
            position += 2
            while position < end and text[position] in _WHITE:
                position += 1
        if text.startswith("\\", position):
            offsets.append(position)
            position += 1 + _ESCAPE_LENGTHS.get(text[position + 1], 1)
            continue
        position = _find(text, position, end, character)
        offsets.append(min(position, end))
        if character not in _WHITE or (position < end and text[position] == character):
            position += 1
    offsets.append(min(position, end))
    return offsets
