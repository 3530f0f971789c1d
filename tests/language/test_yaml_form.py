"""The YAML form of policies: what is read, where findings point, what hostile files get."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from congresslite.diagnostics import Source
from congresslite.language.parser import parse_policy, parse_yaml_policy
from congresslite.language.parsing.embedded import offsets_of

LIBRARY = """\
---
name: UnencryptedVolumes
description: |
  Servers whose volumes are not encrypted.
depends-on:
  - SecurityGroups
rules:
  -
    comment: "User should customize this."
    rule: unsafe('ingress', 'tcp', 22)
  -
    comment: >
      Volumes that are attached
      to servers.
    rule: >
      attached(server, volume) :-
        cinder:attachments(server_id=server,
                           volume_id=volume),
        NOT exempt(server)
  - rule: "warning(s, \\"it's \\\\\\"open\\\\\\"\\") :- attached(s, v), cinder:volumes(id=v, encrypted='False')"
  - rule: 'execute[nova:servers.pause(s)] :- error(s), s != ''a'''
  - rule: |
      // in the rule
      error(s) :- warning(s, _).
"""

AS_DL = r"""
unsafe('ingress', 'tcp', 22).
attached(server, volume) :-
    cinder:attachments(server_id=server, volume_id=volume), NOT exempt(server).
warning(s, "it's \"open\"") :- attached(s, v), cinder:volumes(id=v, encrypted='False').
execute[nova:servers.pause(s)] :- error(s), s != 'a'.
error(s) :- warning(s, _).
"""


def test_library_policy():
    """A library file means what the same rules mean in a `.dl` file; comments and settings are kept."""
    file, findings = parse_yaml_policy(Source("library/x.yaml", LIBRARY))
    assert findings == ()
    assert file.name == "UnencryptedVolumes"
    assert dict(file.settings) == {"description": "Servers whose volumes are not encrypted."}
    assert file.statements == parse_policy(Source("x.dl", AS_DL))[0].statements
    assert [comment.text for comment in file.comments] == [
        "// User should customize this.",
        "// Volumes that are attached to servers.",
        "// in the rule",
    ]


def test_places_of_nodes():
    """Each node of each style of scalar points to where it was written."""
    file, _ = parse_yaml_policy(Source("x.yaml", LIBRARY))
    _, attached, warning, pause, error = file.statements
    texts = [literal.span.text for literal in attached.body]  # type: ignore[union-attr]
    indent = " " * 27
    assert texts == [f"cinder:attachments(server_id=server,\n{indent}volume_id=volume)", "NOT exempt(server)"]
    assert warning.head.atom.arguments[1].span.text == r"""\"it's \\\"open\\\"\""""  # type: ignore[union-attr]
    assert warning.body[1].span.text == "cinder:volumes(id=v, encrypted='False')"  # type: ignore[union-attr]
    assert pause.head.span.text == "execute[nova:servers.pause(s)]"  # type: ignore[union-attr]
    assert pause.body[1].span.text == "s != ''a''"  # type: ignore[union-attr]
    assert error.span.text == "error(s) :- warning(s, _)"


def test_name_from_the_file():
    """A policy without a name is named by its file."""
    assert parse_yaml_policy(Source("a/nfv.yaml", "rules: []"))[0].name == "nfv"


SETTINGS = {
    "number": ("priority: 10", {"priority": 10}),
    "boolean": ("overridable: true", {"overridable": True}),
    "null": ("owner:", {"owner": None}),
    "string": ("tier: region", {"tier": "region"}),
    "folded": ("description: >\n  a\n  b\n", {"description": "a b"}),
    "a number beyond 64 bits": ("priority: 99999999999999999999", {"priority": "99999999999999999999"}),
    "a time": ("owner: 2001-01-01", {"owner": "2001-01-01"}),
}


@pytest.mark.parametrize(("text", "settings"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings(text: str, settings: dict[str, Any]) -> None:
    """Settings keep the kind of value that YAML gives them; whether it fits is checked later."""
    file, findings = parse_yaml_policy(Source("x.yaml", f"{text}\n"))
    assert findings == ()
    assert dict(file.settings) == settings


BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghij"))

# name: (text, codes, underlined text of the first finding, part of its hint)
MISTAKES = {
    "no YAML": ("name: [", ["CL041"], "", "quotes"),
    "a tab": ("rules:\n\t- rule: p", ["CL041"], "", "indentation"),
    "two documents": ("name: a\n---\nname: b\n", ["CL041"], "", "quotes"),
    "an unknown alias": ("rules: *x", ["CL041"], "", "quotes"),
    "a control character": ("name: \x01", ["CL041"], "", "quotes"),
    "a colon in a plain rule": ("rules:\n  - rule: p: q", ["CL041"], "", "rule: >"),
    "empty": ("", ["CL042"], "", "name"),
    "a list": ("- rule: p", ["CL042"], "- rule: p", "rules"),
    "a text": ("p(x) :- q(x)", ["CL042"], "p(x) :- q(x)", "rules"),
    "an unknown key": ("nmae: x", ["CL043"], "nmae", "did you mean `name`?"),
    "a key of nothing like it": ("zzzz: x", ["CL043"], "zzzz", "`rules`"),
    "a key that is a list": ("[a]: x", ["CL043"], "[a]", "`rules`"),
    "an unknown key of a rule": ("rules:\n  - rle: p", ["CL043"], "rle", "did you mean `rule`?"),
    "a key twice": ("name: a\nname: b", ["CL042"], "name", "one of them"),
    "a rule twice": ("rules:\n  - rule: p\n    rule: q", ["CL042"], "rule", "one of them"),
    "a number for a name": ("name: 7", ["CL042"], "7", "quote"),
    "rules that are a text": ("rules: p(x)", ["CL042"], "p(x)", "- rule"),
    "a rule that is a text": ("rules:\n  - p(x)", ["CL042"], "p(x)", "- rule"),
    "a rule that is a list": ("rules:\n  - rule: [p]", ["CL042"], "[p]", "text"),
    "an entry without a rule": ("rules:\n  - comment: x", ["CL042"], "comment: x", "rule: …"),
    "an empty rule": ("rules:\n  - rule: ''", ["CL042"], "''", "leave the entry out"),
    "a setting that is a list": ("tier: [a]", ["CL042"], "[a]", "one line"),
    "a tag that makes an object": ("name: !!python/object/apply:os.system [x]", ["CL042"], None, "text"),
    "aliases that repeat a rule": ("rules:\n  - &a {rule: p}\n  - *a", ["CL042"], "&a {rule: p}", "once"),
    "a bomb of aliases": (BOMB + "rules: *j", ["CL042"] * 4 + ["CL043"] * 10, "a", "keys are"),
    "a structure that holds itself": ("rules: &a\n  - *a", ["CL042"], None, "- rule"),
    "deep nesting": ("rules: " + "[" * 5000, ["CL041"], "", "levels"),
    "a mistake in a rule": ("rules:\n  - rule: p(x) :- q(x)) ", ["CL006"], ")", "remove"),
    "a mistake in a folded rule": ("rules:\n  - rule: >\n      p(x) :-\n        q(x) r(x)", ["CL028"], "", "`,`"),
    "a mistake in a quoted rule": ('rules:\n  - rule: "p(\\"a\\") :- q(x), x == 1"', ["CL007"], "==", "`=`"),
    "two mistakes in two rules": ("rules:\n  - rule: p(\n  - rule: q)\n", ["CL006", "CL006"], "(", "`)`"),
    "several rules in one": ("rules:\n  - rule: p(1) q(1)", ["CL001"], "q", "`:-`"),
}


@pytest.mark.parametrize(("text", "codes", "underlined", "hint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(text: str, codes: list[str], underlined: str | None, hint: str) -> None:
    """What is wrong with a file, however hostile, is a finding in its text."""
    started = time.process_time()
    _, findings = parse_yaml_policy(Source("x.yaml", text))
    assert sorted(finding.code for finding in findings) == sorted(codes), findings
    first = findings[0]
    assert first.span is not None
    assert first.hint is not None
    assert underlined is None or first.span.text == underlined
    assert hint in first.hint
    assert time.process_time() - started < 5


def test_sound_rules_survive():
    """One bad rule does not hide the good ones."""
    text = "rules:\n  - rule: p(1)\n  - rule: p(\n  - rule: p(2).\n"
    file, findings = parse_yaml_policy(Source("x.yaml", text))
    assert len(file.statements) == 2
    assert len(findings) == 1


@given(
    st.text(st.sampled_from("ab,'\"\\ \n:#\t(é😀"), max_size=30),
    st.sampled_from(["'", '"', "|", ">", None]),
    st.sampled_from([True, False]),
)
def test_offsets_of_any_scalar(value: str, style: str | None, unicode: bool) -> None:
    """Each visible character of a scalar stands where its offset says, in every style that YAML has."""
    text = yaml.dump({"k": {"rule": value}}, default_style=style, allow_unicode=unicode, width=20)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    node = root.value[0][1].value[0][1]
    offsets = offsets_of(text, node)
    assert len(offsets) == len(node.value) + 1
    assert offsets == sorted(offsets)
    for character, offset in zip(node.value, offsets, strict=False):
        assert character.isspace() or text[offset] in (character, "\\")
