"""
YAML with the place of everything in it, for the forms of policies that are YAML.

Nothing is constructed from the text but its scalars, and aliases are not followed into structures, so a hostile file
costs no more than its size. What is wrong becomes a finding that points into the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import yaml

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.schema import INT_MAX, INT_MIN, Scalar

_NO_HINTS: Mapping[str, str] = {}
_TAG = "tag:yaml.org,2002:"


class YamlNodes:
    """One file on its way to a policy; `problems` grows as it is read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Diagnostic] = []

    def compose(self) -> yaml.Node | None:
        """The nodes of the text. Composing makes one node for each node written, and follows no tags."""
        try:
            root: yaml.Node | None = yaml.compose(self.source.text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            offset = min(mark.index if mark is not None else getattr(error, "position", 0), len(self.source.text))
            what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
            hint = "check quotes and indentation; a rule with `: ` or ` #` in it is best written after `rule: >`"
            span = Span(self.source, offset, offset)
            self.problems.append(Diagnostic("CL041", f"this is no YAML: {what}", span, hint))
            return None
        except RecursionError:
            span = Span(self.source, 0, 0)
            self.problems.append(
                Diagnostic("CL041", "YAML that is nested too deeply", span, "a policy has three levels")
            )
            return None
        if root is None:
            span = Span(self.source, 0, 0)
            self.problems.append(Diagnostic("CL042", "an empty policy", span, "write `name: …` and `rules: …`"))
        return root

    def items(
        self, node: yaml.MappingNode, keys: tuple[str, ...], what: str, hints: Mapping[str, str] = _NO_HINTS
    ) -> Iterator[tuple[str, yaml.Node]]:
        """The known keys of a mapping with their values, each once; `hints` say where others belong."""
        for name, key, value in self.entries(node):
            if name in keys:
                yield name, value
            else:
                near = get_close_matches(name, keys, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"keys are {', '.join(f'`{each}`' for each in keys)}"
                self.problem("CL043", f"unknown key `{name}` of {what}", key, hints.get(name, hint))

    def entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """The keys of a mapping, whatever they are, with their nodes and values, each once."""
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                self.problem("CL042", f"key `{name}` given twice", key, "keep one of them")
            else:
                seen.add(name)
                yield name, key, value

    def text(self, node: yaml.Node, key: str) -> str | None:
        """The text of a node; a number is no text, so that `name: 7` is told."""
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        self.problem("CL042", f"`{key}` is no text", node, f"write a text after `{key}:`; quote it if need be")
        return None

    def setting(self, key: str, node: yaml.Node) -> Scalar:
        """The value of a setting, which is checked with those of `policy` statements; None for none."""
        if not isinstance(node, yaml.ScalarNode):
            self.problem("CL042", f"`{key}` is no scalar", node, f"write `{key}: …` on one line")
            return None
        value = scalar(node)
        return value.strip() if isinstance(value, str) else value

    def span(self, node: yaml.Node | None) -> Span:
        """The place of a node; that of the whole text is its beginning."""
        if node is None:
            return Span(self.source, 0, 0)
        start, end = node.start_mark.index, node.end_mark.index
        text = self.source.text[start:end]
        return Span(self.source, start, start + len(text.rstrip()))

    def problem(self, code: str, message: str, node: yaml.Node | None, hint: str) -> None:
        """Note what is wrong."""
        self.problems.append(Diagnostic(code, message, self.span(node), hint))


def scalar(node: yaml.ScalarNode) -> Scalar:
    """The value of a scalar, as YAML reads it; what is no number, boolean or null of ours is a string."""
    text = str(node.value)
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() in ("yes", "true", "on")
        case "int":
            try:
                value = int(text.replace("_", ""), 0)
            except ValueError:
                return text
            return value if INT_MIN <= value <= INT_MAX else text
        case _:
            return text
