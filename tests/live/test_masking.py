"""Settings of sources, masked and back."""

from __future__ import annotations

from typing import Any

import pytest

from congresslite.config.origins import MASK
from congresslite.diagnostics import SourceError
from congresslite.live.masking import masked, unmasked

KNOWN: dict[str, Any] = {
    "driver": "monitor",
    "url": "postgresql://ann:wort@db/cmdb",
    "events": ["amqp://a:eins@one/", "amqp://a:zwei@two/"],
    "tables": {"tokens": {"query": "SELECT 1", "key": ["id"], "columns": {"id": "str", "token": "str"}}},
    "probes": [
        {"object": "web1", "password": "eins", "every": "5s"},
        {"object": "web2", "password": "zwei", "every": "5s"},
    ],
    "communities": ["eins", "zwei"],
    "secret": None,
}
SHOWN = masked(KNOWN)
FIRST, SECOND = SHOWN["probes"]


def test_secrets_are_masked_and_nothing_else() -> None:
    """Secrets and passwords of addresses are masked, wherever they stand; names of tables, columns and keys are not."""
    assert not {"wort", "eins", "zwei"} & set(repr(SHOWN).replace(":", "'").replace("@", "'").split("'"))
    assert SHOWN["url"] == f"postgresql://ann:{MASK}@db/cmdb"
    assert SHOWN["tables"] == KNOWN["tables"]
    assert (FIRST["object"], FIRST["every"], SHOWN["secret"]) == ("web1", "5s", None)


def test_hidden_places_are_masked() -> None:
    """What came from the environment or a file is masked, whatever it is called."""
    assert masked({"url": "db", "probes": [{"host": "h"}]}, {("url",), ("probes", 0, "host")}) == {
        "url": MASK,
        "probes": [{"host": MASK}],
    }


def test_what_is_shown_can_be_put_back() -> None:
    """Settings that are put back as they were read are what they were."""
    assert unmasked("s", SHOWN, KNOWN) == KNOWN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"probes": [FIRST | {"every": "9s"}, SECOND]}, ["eins", "zwei"]),
        ({"probes": [SECOND]}, ["zwei"]),
        ({"probes": [SECOND, FIRST]}, ["zwei", "eins"]),
        ({"probes": [{"object": "web0", "password": "neu"}, FIRST, SECOND]}, ["neu", "eins", "zwei"]),
    ],
    ids=["one changes", "one goes", "two change places", "one comes before them"],
)
def test_each_item_of_a_list_keeps_its_secret(given: dict[str, Any], expected: list[str]) -> None:
    """A masked secret within a list stays that of its item, wherever the item stands."""
    assert [each["password"] for each in unmasked("s", given, KNOWN)["probes"]] == expected


def test_an_address_that_changes_keeps_its_password() -> None:
    """An address whose password is masked may change in everything else."""
    found = unmasked("s", {"url": f"postgresql://bob:{MASK}@db2/cmdb", "driver": "x://u:new@h"}, KNOWN)
    assert found == {"url": "postgresql://bob:wort@db2/cmdb", "driver": "x://u:new@h"}


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"password": MASK}, "password"),
        ({"secret": MASK}, "secret"),
        ({"driver": MASK}, "driver"),
        ({"probes": MASK}, "probes"),
        ({"other": f"amqp://u:{MASK}@h"}, "other"),
        ({"driver": f"amqp://u:{MASK}@h"}, "driver"),
        ({"probes": [SECOND | {"every": "9s"}]}, "probes[0].password"),
        ({"probes": [SECOND, FIRST | {"object": "web3"}]}, "probes[1].password"),
        ({"communities": [MASK]}, "communities[0]"),
    ],
)
def test_a_mark_that_stands_for_nothing_is_refused(given: dict[str, Any], place: str) -> None:
    """A mark is never taken for a secret: where it is not certain what it stands for, it is refused."""
    with pytest.raises(SourceError) as caught:
        unmasked("s", given, KNOWN)
    (found,) = caught.value.diagnostics
    assert (found.code, found.place) == ("CL577", "sources.s")
    assert f"`{place}`" in found.message
