"""What a definition says of how its replies are asked for, and what is told where it cannot be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from congresslite.diagnostics import Diagnostic, SourceError
from congresslite.sources import load_definition, shipped_definition
from congresslite.sources.asking import Each, Marker, Notification, One, Paging

TABLES = """
tables:
  boxes: {description: Boxes, from: boxes, rows: boxes, key: [id], columns: {id: str, size: int}}
"""


def findings(text: str, folder: Path) -> list[Diagnostic]:
    """What is told of a definition."""
    path = folder / "lab.yaml"
    path.write_text(f"source: lab\n{text}", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load_definition(path)
    return list(caught.value.diagnostics)


def test_everything(tmp_path: Path):
    """What is written is what is read."""
    path = tmp_path / "lab.yaml"
    path.write_text(
        """
source: lab
replies:
  boxes:
    path: /boxes
    items: boxes
    paging: {marker: {parameter: after, value: id}, size: {limit: 5}, truncated: more}
    each: {path: "/boxes/{id}/{part}", parts: [size, tags], by: name}
    one: {path: "/boxes/{id}", object: box}
  list: {path: /list, paging: {next: link}}
notifications:
  changes:
    path: /subscriptions
    headers: {Version: 1.0.0}
    body: {to: "{callback}", kinds: [box, 1, true, null]}
    when: kind == 'box'
    wakes: {boxes: box.id}
"""
        + TABLES,
        encoding="utf-8",
    )
    made = load_definition(path)
    boxes = made.replies["boxes"]
    assert boxes.paging == Paging(marker=Marker("after", "id"), size=("limit", 5), truncated="more")
    assert boxes.each == Each("/boxes/{id}/{part}", ("size", "tags"), "name")
    assert boxes.each.members == ("id", "name")
    assert boxes.one == One("/boxes/{id}", "box")
    assert (boxes.items, made.replies["list"].items) == ("boxes", "@")
    body = {"to": "{callback}", "kinds": ["box", 1, True, None]}
    expected = Notification(
        "changes", "/subscriptions", body, "kind == 'box'", {"boxes": "box.id"}, {"Version": "1.0.0"}
    )
    assert made.notifications == {"changes": expected}


WRONG = {
    "an unknown key": ("boxes: {path: /b, pageing: {}}", "CL421", "did you mean `paging`?"),
    "an unknown way to page": ("boxes: {path: /b, paging: {nxt: link}}", "CL421", "did you mean `next`?"),
    "no way to page": ("boxes: {path: /b, paging: {size: {limit: 3}}}", "CL479", "give `next`, `marker` or `offset`"),
    "two ways to page": ("boxes: {path: /b, paging: {next: link, offset: o}}", "CL479", None),
    "a malformed path to the next page": ("boxes: {path: /b, paging: {next: 'a['}}", "CL427", None),
    "a marker without its value": ("boxes: {path: /b, paging: {marker: {parameter: m}}}", "CL430", None),
    "a size that is no number": ("boxes: {path: /b, paging: {offset: o, size: {limit: many}}}", "CL479", None),
    "items that are no name": ("boxes: {path: /b, items: 'a[0]'}", "CL479", None),
    "each without a path": ("boxes: {path: /b, each: {by: id}}", "CL430", None),
    "each without a member": ("boxes: {path: /b, each: {path: /b/x}}", "CL479", "name a member"),
    "parts that no path has": ("boxes: {path: /b, each: {path: '/b/{id}', parts: [a]}}", "CL479", "write `{part}`"),
    "a part that nobody lists": ("boxes: {path: /b, each: {path: '/b/{id}/{part}'}}", "CL479", "write `{part}`"),
    "one without an id": ("boxes: {path: /b, one: {path: '/b/{uuid}'}}", "CL479", "write `{id}`"),
    "one whose object is nowhere": ("boxes: {path: /b, one: {path: '/b/{id}', object: 'a['}}", "CL427", None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_replies(name: str, tmp_path: Path):
    """What is wrong with a reply is told with its line, its code and a hint."""
    reply, code, hint = WRONG[name]
    found = findings(f"replies:\n  {reply}\n{TABLES}", tmp_path)
    assert [each.code for each in found] == [code]
    assert found[0].span is not None
    assert found[0].span.line == 3
    assert hint is None or hint in (found[0].hint or "")


NOTIFICATION = "n: {path: /s, body: {}, when: kind, wakes: {%s}}"
WRONG_NOTIFICATIONS = {
    "an unknown reply": (NOTIFICATION % "boxs: id", "CL428"),
    "a malformed path": (NOTIFICATION % "boxes: 'a['", "CL427"),
    "nothing that it is about": ("n: {path: /s, body: {}, when: kind}", "CL430"),
}


@pytest.mark.parametrize("name", WRONG_NOTIFICATIONS)
def test_wrong_notifications(name: str, tmp_path: Path):
    """What is wrong with a notification is told with its line."""
    notification, code = WRONG_NOTIFICATIONS[name]
    found = findings(f"replies: {{boxes: {{path: /b}}}}\nnotifications:\n  {notification}\n{TABLES}", tmp_path)
    assert [(each.code, each.span and each.span.line) for each in found] == [(code, 4)]


def test_rows_of_nobody(tmp_path: Path):
    """Where objects are asked for singly, each table has to say which object a row is of."""
    found = findings(
        """
replies: {boxes: {path: /b, items: boxes, one: {path: "/b/{id}"}}}
tables:
  boxes: {description: Boxes, from: boxes, rows: boxes, key: [id], columns: {id: str}}
  tags:
    description: Tags
    from: boxes
    rows: {box: boxes, tag: box.tags}
    columns: {box: {path: box.id, type: str}, tag: {path: tag, type: str}}
""",
        tmp_path,
    )
    assert [each.code for each in found] == ["CL479"]
    assert "`tags`" in found[0].message


def test_identities():
    """The column that says which object a row is of is the one that stands at the object, not any that refers to it."""
    found = shipped_definition("neutronv2").identities["security_groups"]
    assert found == {"security_groups": "id", "security_group_rules": "security_group_id"}
    assert next(iter(shipped_definition("nova").identities["servers"])) == "servers"
    assert "hypervisors" not in shipped_definition("nova").identities


PRESENT = """
replies: {boxes: {path: /b}}
tables:
  boxes:
    description: Boxes
    from: boxes
    present: [%s]
    columns: {id: str, size: {path: "size || `1`", type: int}}
"""


@pytest.mark.parametrize(("name", "code"), [("sise", "CL424"), ("size", "CL479")], ids=["unknown", "by no name"])
def test_wrong_present(name: str, code: str, tmp_path: Path):
    """What has to be present is a column, and one whose place can be told."""
    found = findings(PRESENT % name, tmp_path)
    assert [(each.code, each.span and each.span.line) for each in found] == [(code, 8)]
