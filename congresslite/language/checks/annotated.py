"""Annotations: the names that there are, what each takes, and ids that tell rules apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from congresslite.diagnostics import Diagnostic
from congresslite.diagnostics.suggest import did_you_mean, near_or_listed
from congresslite.language.annotations import SEVERITIES, message_variables
from congresslite.language.resolution.draft import Draft
from congresslite.language.resolution.where import named_variables
from congresslite.language.syntax import Annotation, Constant, Rule, Variable
from congresslite.schema import order_key


def check(draft: Draft) -> Iterator[Diagnostic]:
    """Unknown, repeated and wrong annotations, and ids that two rules of a policy share."""
    for policy, file in draft.policies.items():
        ids: dict[str, Annotation] = {}
        for rule in file.statements:
            if not isinstance(rule, Rule):
                continue
            yield from _annotations(rule)
            for annotation in rule.annotations:
                if annotation.name == "id" and isinstance(annotation.value, Constant):
                    key = str(annotation.value.value)
                    if key in ids:
                        line = ids[key].span.line
                        message = f"two rules of policy `{file.name}` have the id {annotation.value.text}"
                        yield Diagnostic("CL225", message, annotation.span, f"the other one is in line {line}")
                        break
                    ids[key] = annotation
        del policy


def _annotations(rule: Rule) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for annotation in rule.annotations:
        takes = _TAKES.get(annotation.name)
        if takes is None:
            hint = near_or_listed(annotation.name, _TAKES, "the annotations are")
            yield Diagnostic("CL220", f"unknown annotation `@{annotation.name}`", annotation.span, hint)
        elif annotation.name in seen:
            message = f"annotation `@{annotation.name}` is given twice"
            yield Diagnostic("CL222", message, annotation.span, "leave one of the two")
        else:
            yield from takes(annotation, rule)
        seen.add(annotation.name)


def _wrong(annotation: Annotation, wanted: str, hint: str | None = None) -> Diagnostic:
    given = annotation.value.text if isinstance(annotation.value, Constant) else annotation.value.name
    message = f"`@{annotation.name}` takes {wanted}, not `{given}`"
    return Diagnostic("CL221", message, annotation.value.span, hint)


def _string(annotation: Annotation) -> str | None:
    value = annotation.value
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def _id(annotation: Annotation, _: Rule) -> Iterator[Diagnostic]:
    if not _string(annotation):
        yield _wrong(annotation, "a string that is not empty")


def _severity(annotation: Annotation, _: Rule) -> Iterator[Diagnostic]:
    if _string(annotation) not in SEVERITIES:
        near = did_you_mean(_string(annotation) or "", SEVERITIES)
        yield _wrong(annotation, f"one of {', '.join(SEVERITIES)}", near)


def _message(annotation: Annotation, rule: Rule) -> Iterator[Diagnostic]:
    template = _string(annotation)
    if template is None:
        yield _wrong(annotation, "a string")
        return
    known = dict.fromkeys(variable.name for variable in named_variables(rule))
    for name in message_variables(template):
        if name not in known:
            message = f"the message names `{name}`, which the rule has not"
            hint = near_or_listed(name, known, "the rule's variables are")
            yield Diagnostic("CL223", message, annotation.value.span, hint)


def _weight(annotation: Annotation, _: Rule) -> Iterator[Diagnostic]:
    value = annotation.value
    if not isinstance(value, Constant) or order_key(value.value)[0] != 2:
        yield _wrong(annotation, "a number")


def _object(annotation: Annotation, rule: Rule) -> Iterator[Diagnostic]:
    value = annotation.value
    if not isinstance(value, Variable):
        yield _wrong(annotation, "a variable of the head")
        return
    terms = (argument.term for argument in rule.head.atom.arguments)
    heads = dict.fromkeys(term.name for term in terms if isinstance(term, Variable))
    if value.name not in heads:
        hint = near_or_listed(value.name, heads, "the head has")
        yield Diagnostic("CL224", f"`{value.name}` is no variable of the head", value.span, hint)


_TAKES: Mapping[str, Callable[[Annotation, Rule], Iterator[Diagnostic]]] = {
    "id": _id,
    "severity": _severity,
    "message": _message,
    "weight": _weight,
    "object": _object,
}
