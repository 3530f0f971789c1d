"""
The YAML form of a policy: that of the policy library of OpenStack Congress.

A file has a `name`, a `description`, perhaps `depends-on`, and `rules`, each
with a `rule` and perhaps a `comment`. Nothing is constructed from the YAML but
its scalars, and aliases are not followed into structures, so a hostile file
costs no more than its size. Findings point into the YAML text.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import PurePath

import yaml

from congresslite.diagnostics import Diagnostic, Source, Span
from congresslite.language.parsing.embedded import offsets_of
from congresslite.language.parsing.reader import in_order, parse_part
from congresslite.language.syntax import Comment, PolicyFile, Statement
from congresslite.schema import INT_MAX, INT_MIN, Scalar

_SETTINGS = ("description", "tier", "owner", "priority", "mode", "overridable")
# What Congress's files say of a policy and of a rule that has no meaning here.
_POLICY_KEYS = ("name", "rules", "depends-on", "id", "kind", "abbreviation", *_SETTINGS)
_RULE_KEYS = ("rule", "comment", "name", "id")
_TAG = "tag:yaml.org,2002:"


def parse_yaml_policy(source: Source) -> tuple[PolicyFile, tuple[Diagnostic, ...]]:
    """Read a policy in its YAML form: what is sound of it, and all its mistakes.

    The policy's name is the value of `name`, or else the stem of the source's name. A rule needs no terminator;
    comments of rules become comments of the policy.
    """
    reader = _YamlReader(source)
    reader.read()
    file = PolicyFile(
        reader.name, source, tuple(reader.statements), tuple(sorted(reader.comments, key=_place)), reader.settings
    )
    return file, in_order(reader.problems)


def _place(comment: Comment) -> int:
    return comment.span.start


class _YamlReader:
    """Reads one file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = PurePath(source.name).stem
        self.statements: list[Statement] = []
        self.comments: list[Comment] = []
        self.settings: dict[str, Scalar] = {}
        self.problems: list[Diagnostic] = []

    def read(self) -> None:
        """Read the whole file."""
        root = self._compose()
        if root is None:
            return
        if not isinstance(root, yaml.MappingNode):
            self._problem("CL042", "a policy that is no mapping", root, "write `name: …` and `rules: …`")
            return
        for key, value in self._items(root, _POLICY_KEYS, "a policy"):
            match key:
                case "name":
                    self.name = self._text(value, "name") or self.name
                case "rules":
                    self._rules(value)
                case "depends-on":
                    self._depends_on(value)
                case _ if key in _SETTINGS:
                    self._setting(key, value)

    def _compose(self) -> yaml.Node | None:
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

    def _items(self, node: yaml.MappingNode, keys: tuple[str, ...], what: str) -> Iterator[tuple[str, yaml.Node]]:
        """The known keys of a mapping with their values, each once."""
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                self._problem("CL042", f"key `{name}` given twice", key, "keep one of them")
            elif name in keys:
                seen.add(name)
                yield name, value
            else:
                near = get_close_matches(name, keys, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"keys are {', '.join(f'`{each}`' for each in keys)}"
                self._problem("CL043", f"unknown key `{name}` of {what}", key, hint)

    def _rules(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            self._problem("CL042", "`rules` is no list", node, "write `- rule: …` for each rule")
            return
        seen: set[int] = set()
        for item in node.value:
            if id(item) in seen:
                self._problem("CL042", "a rule that is an alias of another", item, "write each rule once")
            elif isinstance(item, yaml.MappingNode):
                self._rule(item)
            else:
                self._problem("CL042", "a rule that is no mapping", item, "write `- rule: …`")
            seen.add(id(item))

    def _rule(self, node: yaml.MappingNode) -> None:
        problems = len(self.problems)
        items = dict(self._items(node, _RULE_KEYS, "a rule"))
        if "comment" in items:
            self._comment(items["comment"])
        if "rule" not in items:
            if len(self.problems) == problems:
                self._problem("CL042", "an entry without a `rule`", node, "write `rule: …`")
            return
        value = items["rule"]
        text = self._text(value, "rule")
        if text is None:
            return
        assert isinstance(value, yaml.ScalarNode)
        parsed = parse_part(self.source, text, offsets_of(self.source.text, value))
        self.statements.extend(parsed.statements)
        self.comments.extend(parsed.comments)
        self.problems.extend(parsed.problems)
        if not (parsed.statements or parsed.problems):
            self._problem("CL042", "a `rule` that says nothing", value, "write a rule, or leave the entry out")

    def _comment(self, node: yaml.Node) -> None:
        """The comment of a rule becomes a comment for each of its lines."""
        text = self._text(node, "comment")
        for line in (text or "").splitlines():
            if line.strip():
                self.comments.append(Comment(f"// {line.strip()}", self._span(node)))

    def _depends_on(self, node: yaml.Node) -> None:
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for item in items:
            self._text(item, "depends-on")

    def _setting(self, key: str, node: yaml.Node) -> None:
        """A setting; its value is checked with those of `policy` statements."""
        if not isinstance(node, yaml.ScalarNode):
            self._problem("CL042", f"`{key}` is no scalar", node, f"write `{key}: …` on one line")
            return
        value = _scalar(node)
        self.settings[key] = value.strip() if isinstance(value, str) else value

    def _text(self, node: yaml.Node, key: str) -> str | None:
        """The text of a node; a number is no text, so that `name: 7` is told."""
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        self._problem("CL042", f"`{key}` is no text", node, f"write a text after `{key}:`; quote it if need be")
        return None

    def _span(self, node: yaml.Node | None) -> Span:
        """The place of a node; that of the whole text is its beginning."""
        if node is None:
            return Span(self.source, 0, 0)
        start, end = node.start_mark.index, node.end_mark.index
        text = self.source.text[start:end]
        return Span(self.source, start, start + len(text.rstrip()))

    def _problem(self, code: str, message: str, node: yaml.Node | None, hint: str) -> None:
        self.problems.append(Diagnostic(code, message, self._span(node), hint))


def _scalar(node: yaml.ScalarNode) -> Scalar:
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
