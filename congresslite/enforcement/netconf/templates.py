"""
Templates of configurations: XML of a folder, with places for terms, and whether a device has what one says.

The rule to keep: a term becomes text, within an element or as the value of an attribute, and never an element. It is
put into the parsed document, so that there is no writing of it that could mean more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

from lxml import etree

from congresslite.diagnostics import Diagnostic
from congresslite.enforcement.contained.opening import opened
from congresslite.enforcement.executor import OrderError
from congresslite.enforcement.terms import as_text, fill, places, refused_term
from congresslite.schema import Scalar

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
_OPERATION = f"{{{BASE}}}operation"
_CONFIG = f"{{{BASE}}}config"
_GONE = ("delete", "remove")
_SAFE = ("merge", "replace", "remove", "none")  # what may be done again
_BIGGEST = 1 << 20


def document(folder: Path, name: str, values: Mapping[str, Scalar]) -> etree._Element:
    """A template with terms in their places. Raises OrderError (CL621, CL622, CL623)."""
    root = _read(folder, name)
    for element in root.iter():
        element.text = _filled(name, element.text, values)
        element.tail = _filled(name, element.tail, values)
        for attribute, value in element.attrib.items():
            element.set(attribute, _filled(name, value, values) or "")
    return root


def as_config(root: etree._Element) -> etree._Element:
    """A document as the configuration of an edit: what is no `config` by itself is put into one."""
    if root.tag in (_CONFIG, "config"):
        root.tag = _CONFIG
        return root
    config = etree.Element(_CONFIG, nsmap={"nc": BASE})
    config.append(root)
    return config


def as_filter(config: etree._Element) -> etree._Element:
    """What a device is asked for, to see whether it has a configuration."""
    found = etree.Element(f"{{{BASE}}}filter", type="subtree", nsmap={"nc": BASE})
    for child in config:
        found.append(deepcopy(child))
    for element in found.iter():
        element.attrib.pop(_OPERATION, None)
    return found


def holds(config: etree._Element, data: etree._Element) -> bool:
    """Whether a device that has this data is as a configuration says."""
    return all(_holds(child, data) for child in config)


def may_be_repeated(config: etree._Element) -> bool:
    """Whether making an edit twice is as making it once: not if it says that something must not be there, or must."""
    return all(each.get(_OPERATION, "merge") in _SAFE for each in config.iter())


def _holds(wanted: etree._Element, parent: etree._Element) -> bool:
    candidates = [each for each in parent if each.tag == wanted.tag]
    if wanted.get(_OPERATION) in _GONE:
        return not any(_agrees(wanted, each) for each in candidates)
    if not candidates and _only_takes_away(wanted):
        return True
    return any(_agrees(wanted, each) for each in candidates)


def _agrees(wanted: etree._Element, found: etree._Element) -> bool:
    if len(wanted):
        return all(_holds(child, found) for child in wanted)
    text = (wanted.text or "").strip()
    return not text or text == (found.text or "").strip()


def _only_takes_away(wanted: etree._Element) -> bool:
    return len(wanted) > 0 and all(each.get(_OPERATION) in _GONE or _only_takes_away(each) for each in wanted)


def _read(folder: Path, name: str) -> etree._Element:
    with opened(folder, name) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > _BIGGEST:
            raise _unfit(name, f"is bigger than {_BIGGEST} bytes", "send less at once")
        text = os.pread(descriptor, size, 0)
    # Nothing is fetched and nothing expanded; what else a document type may do, none of ours needs.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _unfit(name, f"is no XML: {str(error).lower()}", "see to the file") from None
    if root.getroottree().docinfo.doctype:
        raise _unfit(name, "has a document type", "take out `<!DOCTYPE …>`")
    return root


def _filled(name: str, text: str | None, values: Mapping[str, Scalar]) -> str | None:
    if text is None or ("{" not in text and "}" not in text):
        return text
    try:
        list(places(text))
    except ValueError as error:
        raise _unfit(name, f"has a bracket without its partner: {error}", "write `{{` for one that is meant") from None
    return fill(text, values, _as_xml)


def _as_xml(name: str, value: Scalar) -> str:
    text = as_text(name, value)
    try:
        etree.Element("x").text = text
    except ValueError:
        raise refused_term(name, "holds characters that XML cannot have", "take them out") from None
    return text


def _unfit(name: str, why: str, hint: str) -> OrderError:
    return OrderError(Diagnostic("CL623", f"the template `{name}` {why}", hint=hint))
