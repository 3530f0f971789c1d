"""
The YAML forms of a policy: that of the policy library of OpenStack Congress, and that of lifecycle policies.

A file of the library has a `name`, a `description`, perhaps `depends-on`, and `rules`, each with a `rule` and perhaps a
`comment`. One with a `policy` and its `conditions`, `actions` or `recovery` is a lifecycle policy (`lifecycle_form`).
Findings point into the YAML text.
"""

from __future__ import annotations

import re
from pathlib import PurePath

import yaml

from congresslite.diagnostics import Diagnostic, Source
from congresslite.language.lifecycle_form import LifecycleReader, is_lifecycle
from congresslite.language.parsing.embedded import offsets_of
from congresslite.language.parsing.reader import in_order, parse_part
from congresslite.language.syntax import Comment, PolicyFile, Statement
from congresslite.language.yaml_nodes import YamlNodes
from congresslite.schema import Scalar

_SETTINGS = ("description", "tier", "owner", "priority", "mode", "overridable", "undo", "approval")
# What Congress's files say of a policy and of a rule that has no meaning here.
_POLICY_KEYS = ("name", "rules", "depends-on", "id", "kind", "abbreviation", *_SETTINGS)
_RULE_KEYS = ("rule", "comment", "name", "id")


# The keys that a policy in YAML may begin with; no rule begins with a name, a colon and white space.
_BEGINS = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*(?:---\s|(?:policy|name|description|rules|depends-on|conditions|actions|recovery|when"
    r"|level|stages|tier|owner|priority|mode|overridable|undo|approval|id|kind|abbreviation):\s)"
)


def is_yaml(text: str) -> bool:
    """Whether a text that has no file, and so no suffix, is a policy in YAML: it begins as one."""
    return _BEGINS.match(text) is not None


def parse_yaml_policy(source: Source) -> tuple[PolicyFile, tuple[Diagnostic, ...]]:
    """Read a policy in one of its YAML forms: what is sound of it, and all its mistakes.

    The policy's name is the value of `name` (`policy` of a lifecycle policy), or else the stem of the source's name. A
    rule needs no terminator; comments of rules become comments of the policy.
    """
    nodes = YamlNodes(source)
    root = nodes.compose()
    stem = PurePath(source.name).stem
    if isinstance(root, yaml.MappingNode) and is_lifecycle(root):
        lifecycle = LifecycleReader(nodes, stem, _SETTINGS)
        lifecycle.read(root)
        return lifecycle.file(), in_order(nodes.problems)
    reader = _LibraryReader(nodes, stem)
    if isinstance(root, yaml.MappingNode):
        reader.read(root)
    elif root is not None:
        nodes.problem("CL042", "a policy that is no mapping", root, "write `name: …` and `rules: …`")
    file = PolicyFile(
        reader.name, source, tuple(reader.statements), tuple(sorted(reader.comments, key=_place)), reader.settings
    )
    return file, in_order(nodes.problems)


def _place(comment: Comment) -> int:
    return comment.span.start


class _LibraryReader:
    """Reads one file of the library's form."""

    def __init__(self, nodes: YamlNodes, name: str) -> None:
        self.nodes, self.name = nodes, name
        self.statements: list[Statement] = []
        self.comments: list[Comment] = []
        self.settings: dict[str, Scalar] = {}

    def read(self, root: yaml.MappingNode) -> None:
        """Read the whole file."""
        for key, value in self.nodes.items(root, _POLICY_KEYS, "a policy"):
            match key:
                case "name":
                    self.name = self.nodes.text(value, "name") or self.name
                case "rules":
                    self._rules(value)
                case "depends-on":
                    self._depends_on(value)
                case _ if key in _SETTINGS and isinstance(value, yaml.ScalarNode):
                    self.settings[key] = self.nodes.setting(key, value)
                case _ if key in _SETTINGS:
                    self.nodes.setting(key, value)

    def _rules(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            self.nodes.problem("CL042", "`rules` is no list", node, "write `- rule: …` for each rule")
            return
        seen: set[int] = set()
        for item in node.value:
            if id(item) in seen:
                self.nodes.problem("CL042", "a rule that is an alias of another", item, "write each rule once")
            elif isinstance(item, yaml.MappingNode):
                self._rule(item)
            else:
                self.nodes.problem("CL042", "a rule that is no mapping", item, "write `- rule: …`")
            seen.add(id(item))

    def _rule(self, node: yaml.MappingNode) -> None:
        problems = len(self.nodes.problems)
        items = dict(self.nodes.items(node, _RULE_KEYS, "a rule"))
        if "comment" in items:
            self._comment(items["comment"])
        if "rule" not in items:
            if len(self.nodes.problems) == problems:
                self.nodes.problem("CL042", "an entry without a `rule`", node, "write `rule: …`")
            return
        value = items["rule"]
        text = self.nodes.text(value, "rule")
        if text is None:
            return
        assert isinstance(value, yaml.ScalarNode)
        source = self.nodes.source
        parsed = parse_part(source, text, offsets_of(source.text, value))
        self.statements.extend(parsed.statements)
        self.comments.extend(parsed.comments)
        self.nodes.problems.extend(parsed.problems)
        if not (parsed.statements or parsed.problems):
            self.nodes.problem("CL042", "a `rule` that says nothing", value, "write a rule, or leave the entry out")

    def _comment(self, node: yaml.Node) -> None:
        """The comment of a rule becomes a comment for each of its lines."""
        text = self.nodes.text(node, "comment")
        for line in (text or "").splitlines():
            if line.strip():
                self.comments.append(Comment(f"// {line.strip()}", self.nodes.span(node)))

    def _depends_on(self, node: yaml.Node) -> None:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for item in items:
            self.nodes.text(item, "depends-on")
