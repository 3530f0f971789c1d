"""A process that is killed while it writes: what it acknowledged is there, and the history is whole."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

from congresslite.store.records import ViolationFilter
from congresslite.store.store import Store

# Writes batches and pushed rows for ever, and says of each when it is durable.
WRITER = """
import sys
from congresslite.store.store import Store
from tests.store.made import id_of, opened

url, start = sys.argv[1], int(sys.argv[2])
store = Store.open(url)
for number in range(start, start + 1_000_000):
    ids = [20 * number + each for each in range(20)]
    store.violations.record(float(number), [opened(each) for each in ids], [id_of(each - 20) for each in ids[:10]])
    print("batch", number, flush=True)
    store.pushed.append("s", "t", [(f"{number}-{each}", str(each)) for each in range(20)])
    print("rows", number, flush=True)
"""
ROUNDS = 6


def test_nothing_acknowledged_is_lost(url: str) -> None:
    """After each of some kills at any moment, everything that was said to be durable is there, and nothing is half."""
    draw = random.Random(5)
    acknowledged: dict[str, set[int]] = {"batch": set(), "rows": set()}
    start = 1
    for _ in range(ROUNDS):
        for line in killed(url, start, after=draw.randint(1, 30)):
            kind, number = line.split()
            acknowledged[kind].add(int(number))
            start = max(start, int(number) + 1)
        start += 1  # the one that was under way may have been written, and not said to be
        with Store.open(url) as store:
            check(store, acknowledged)


def killed(url: str, start: int, after: int) -> list[str]:
    """What a writer acknowledged until it was killed, which it was once it had acknowledged so much."""
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(start)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            said.append(line)
            if len(said) == after:
                process.kill()
        assert len(said) >= after, process.stderr.read()
    return [line for line in said if line.endswith("\n")]


def check(store: Store, acknowledged: dict[str, set[int]]) -> None:
    """Hold a store against what was acknowledged."""
    every = store.violations.page(ViolationFilter(states=("open", "waived", "resolved")), "first_seen", 1_000_000).items
    assert [record.seq for record in every] == list(range(1, len(every) + 1))
    still_open = Counter(record.id for record in every if record.resolved_at is None)
    assert max(still_open.values()) == 1
    assert store.violations.open_ids() == {bytes.fromhex(id) for id in still_open}
    assert sum(each[2] for each in store.violations.counts()) == len(still_open)
    batches = list(store.violations.since(0, 1000))
    assert [batch.number for batch, _, _ in batches] == list(range(1, len(batches) + 1))
    for batch, came, went in batches:
        assert (len(came), len(went)) == (batch.opened, batch.resolved)
        assert batch.opened == 20
    assert acknowledged["batch"] <= {int(batch.at) for batch, _, _ in batches}
    rows = {key for key, _ in store.pushed.load("s", "t")[1]}
    assert {f"{number}-{each}" for number in acknowledged["rows"] for each in range(20)} <= rows
    assert len(rows) % 20 == 0
