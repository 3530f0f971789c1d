"""The blast-radius limit, as a check counts it before anything is planned."""

from __future__ import annotations

import pytest

from congresslite.analysis.limits import MaxAffected
from congresslite.analysis.precommit import Context, precommit
from tests.analysis.estate import engine, policy

# Five machines and two hosts, by one action; the number of hosts is no bound for machines.
MACHINES = policy("machines", '@object(v) execute[hooks:run(v, "a.sh")] :- inv:vm(id=v).', mode='"enforce"')
HOSTS = policy("hosts", '@object(h) execute[hooks:run(h, "a.sh")] :- inv:host(id=h).', mode='"enforce"')


@pytest.mark.parametrize(
    ("limit", "counted"),
    [
        (MaxAffected(50, 100), {"machines": (5, 5, False), "hosts": (2, 2, False)}),
        (MaxAffected(None, 50), {"machines": (5, 2, True), "hosts": (2, 1, True)}),
        (MaxAffected(6, 100), {"machines": (7, 6, True), "hosts": (7, 6, True)}),
        (MaxAffected(4, 100), {"machines": (5, 4, True), "hosts": (7, 4, True)}),
    ],
    ids=["within", "a share of each kind", "the number over all kinds", "the number of one kind"],
)
def test_the_share_is_of_one_kind_and_the_number_of_all(
    limit: MaxAffected, counted: dict[str, tuple[int, int, bool]]
) -> None:
    """A share bounds the objects of one kind, and the number also those of one action whatever their kinds."""
    report = precommit(engine(), [MACHINES, HOSTS], context=Context(max_affected=limit))
    assert {each.policy: (each.together, each.limit, each.exceeded) for each in report.commands} == counted
