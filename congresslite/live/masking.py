"""
Settings of a source as they are shown, each secret as a mark that there is one, and as they come back.

The rule to keep: whoever reads settings sees that a secret is there, not what it
is, and a mark that comes back is the secret that it stood for. One that stands
for none is refused: it would be taken for the secret itself, and sent out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from congresslite.config.origins import MASK, Path, dotted, marked, secret, with_password, without_password
from congresslite.diagnostics import Diagnostic, SourceError


def masked(settings: Any, hidden: Collection[Path] = (), path: Path = ()) -> Any:
    """Settings with each secret as a mark that there is one; what stands at `hidden` places is such, whatever it is."""
    match settings:
        case None:
            return None
        case Mapping():
            return {key: masked(value, hidden, (*path, key)) for key, value in settings.items()}
        case list() | tuple():
            return [masked(value, hidden, (*path, place)) for place, value in enumerate(settings)]
        case _ if path in hidden or secret(("sources", "", *path)):
            return MASK
        case str():
            return without_password(settings)
        case _:
            return settings


def unmasked(source: str, settings: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which each mark is the secret that is known already. Raises SourceError for one without a secret."""
    found = {key: _filled(value, known.get(key), (key,)) for key, value in settings.items()}
    unknown = list(_marks(found, ()))
    if unknown:
        raise SourceError(_unknown(source, each) for each in unknown)
    return found


def _filled(given: Any, known: Any, path: Path) -> Any:
    """What is given, with what is known at this place where it has marks."""
    if isinstance(given, Mapping):
        named = known if isinstance(known, Mapping) else {}
        return {key: _filled(value, named.get(key), (*path, key)) for key, value in given.items()}
    if isinstance(given, list):
        listed = known if isinstance(known, list | tuple) else []
        return [_filled(*pair, (*path, place)) for place, pair in enumerate(_paired(given, listed, path))]
    if given == MASK:
        return known if masked(known, path=path) == MASK else given
    return with_password(given, known) if isinstance(given, str) and isinstance(known, str) else given


def _paired(given: Sequence[Any], known: Sequence[Any], path: Path) -> Iterator[tuple[Any, Any]]:
    """Each item that is given with the one that it was, if that is certain; else with None.

    An item that nobody changed may have moved: it must not get the secret of the one that stood there before.
    """
    shown = masked(known, path=path)
    as_many = len(given) == len(known)
    for place, item in enumerate(given):
        if not any(_marks(item, path)):
            yield item, None
        elif as_many and shown[place] == item:
            yield item, known[place]
        else:
            same = [each for each, seen in zip(known, shown, strict=True) if seen == item]
            if not same and as_many and shown[place] not in given:
                same = [known[place]]
            yield item, same[0] if same and all(each == same[0] for each in same) else None


def _marks(settings: Any, path: Path) -> Iterator[Path]:
    """Where marks stand."""
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _marks(value, (*path, key))
    elif isinstance(settings, list):
        for place, value in enumerate(settings):
            yield from _marks(value, (*path, place))
    elif isinstance(settings, str) and marked(settings):
        yield path


def _unknown(source: str, path: Path) -> Diagnostic:
    message = f"source `{source}`: `{dotted(path)}` is masked, and no secret is known that the mark could stand for"
    return Diagnostic("CL577", message, None, "say the secret itself", place=f"sources.{source}")
