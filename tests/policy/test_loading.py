"""Policies are found, read once, and whatever cannot be read is told."""

from __future__ import annotations

import os

import pytest

from congresslite.diagnostics import Diagnostic, Severity
from congresslite.policy import Policy
from congresslite.policy.loading import load_policies

RULE = "p(1).\n"
YAML = "name: lib\ndescription: from a library\nrules:\n  - comment: one\n    rule: p(1)\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with policies at two depths, and with everything that is no policy."""
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.dl", "a.dl", "sub/c.dl", ".hidden.dl", ".git/d.dl"):
        (tmp_path / name).write_text(RULE)
    (tmp_path / "lib.yaml").write_text(YAML)
    (tmp_path / "a_test.yaml").write_text("- name: x\n")
    (tmp_path / "notes.md").write_text("notes")
    return tmp_path


def codes(findings: tuple[Diagnostic, ...]) -> list[str]:
    return [finding.code for finding in findings]


def test_a_folder_gives_its_policies_sorted(folder):
    """Folders are read recursively and in order, without tests, hidden files and other kinds of files."""
    files, findings = load_policies([folder])
    assert [file.name for file in files] == ["a", "b", "lib", "c"]
    assert findings == ()


def test_inputs_keep_their_order(folder):
    """What is named first is read first, be it text, a path or an object."""
    files, findings = load_policies([str(folder / "b.dl"), Policy("mine", RULE), folder / "a.dl"])
    assert [file.name for file in files] == ["b", "mine", "a"]
    assert findings == ()


def test_a_file_is_read_once(folder):
    """A file named by two ways is one policy, and a warning says so."""
    files, findings = load_policies([folder / "a.dl", folder / "sub" / ".." / "a.dl"])
    assert [file.name for file in files] == ["a"]
    assert [(finding.code, finding.severity) for finding in findings] == [("CL453", Severity.WARNING)]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing.dl", None, "CL450"),
        ("missing.txt", None, "CL450"),
        ("latin.dl", b'p("caf\xe9").', "CL451"),
        ("empty/.keep", b"", "CL452"),
        ("notes.txt", b"notes", "CL454"),
        ("a_test.yaml", b"[]", "CL454"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, name, content, code):
    """Each input that gives no policy gives one finding, at its path, and the others are read all the same."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    given = path.parent if name.endswith(".keep") else path
    files, findings = load_policies([given, Policy("other", RULE)])
    assert [file.name for file in files] == ["other"]
    assert codes(findings) == [code]
    assert findings[0].place == str(given)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_told(folder):
    """What the system does not let us read is an error, never a smaller set of policies."""
    (folder / "a.dl").chmod(0)
    files, findings = load_policies([folder])
    assert "a" not in [file.name for file in files]
    assert codes(findings) == ["CL450"]


def test_a_byte_order_mark_is_no_text(tmp_path):
    """Editors that write a mark before the text do no harm."""
    (tmp_path / "a.dl").write_bytes(b"\xef\xbb\xbf" + RULE.encode())
    files, findings = load_policies([tmp_path])
    assert len(files) == 1
    assert findings == ()


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (Policy("mine", RULE), "mine"),
        (Policy("my.own", RULE), "my.own"),
        (Policy("mine", "policy declared().\n" + RULE), "declared"),
        (Policy("mine", RULE, "somewhere/else.dl"), "mine"),
        (Policy("mine", YAML, "somewhere/else.yaml"), "lib"),
    ],
    ids=["object", "dotted", "declared", "with a path", "yaml"],
)
def test_names_of_objects(policy, name):
    """A Policy object has the name that its text declares, or else its own."""
    (file,), findings = load_policies([policy])
    assert file.name == name
    assert findings == ()
