"""
An engine at work: kept current batch by batch, asked "what if" and "why", read while it is written to.

Run as a process; prints one JSON object with what `congresslite check` prints of
it, `counts` and `timing`, and with a sample for each batch and each question.
All is done on one engine, in the order of `PARTS`, so that the most memory that
was resident is that of an engine with everything indexed. What the engine
answers in the end is told too, to be held against an evaluation from scratch.
"""

from __future__ import annotations

import gc
import json
import resource
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import click

from congresslite.analysis.precommit import Context, precommit
from congresslite.api import Engine, Policy
from congresslite.bench import policies
from congresslite.bench.answers import counts, digests, engine_timing
from congresslite.bench.changes import LINKS, MOVES, PLANNED, Batch, read_changes
from congresslite.bench.clock import Clock, Taken
from congresslite.bench.reader import LOOKUPS, Reader
from congresslite.schema import Changes, Delta, Row

Sample = Mapping[str, float]

AUDITS = 6  # times that a policy comes and goes; the first is told apart
WHAT_IFS = 6  # times that each planned rule is tried; the first is told apart
BESIDE = 99  # policies that a planned rule is checked beside, and the twelve questions
READ_ROUNDS = 3  # times, at least, that batches of 1,000 moves are taken back and applied again beside a reader
READS = 10  # of each kind, at least; batches of a small estate are applied before a reader has begun
READS_ALONE_S = 1.0  # how long a reader reads while nobody writes
EXPLAINED = 6  # violations of each kind
HOSTS = 100  # whose machines are looked at for violations

# Whom the estate's objects belong to.
OWNERS = {"inv:port": "vm", "inv:vm": "vnf", "inv:vnf": "ns", "inv:ns": "tenant"}

# Where violations of each kind are found: among a few hosts' machines, or all of them where there are few.
VIOLATIONS = {
    "platinum_on_hdd": 'nfv:platinum_on_hdd(vm, host), host = "{host}"',
    "foreign_public_net": 'inv:vm(id=vm, host="{host}"), nfv:foreign_public_net(vm, net)',
    "anti_affinity": "nfv:anti_affinity(vm, other, host)",
    "overcommit": 'nfv:overcommit(host, load, cores), host = "{host}"',
    "banned_image": 'inv:vm(id=vm, host="{host}"), nfv:banned_image(vm, image)',
    "on_down_host": 'nfv:on_down_host(vm, host), host = "{host}"',
    "chain_broken": 'inv:vm(vnf=vnf, host="{host}"), nfv:chain_broken(vnf, later)',
    "no_active_vm": "nfv:no_active_vm(vnf)",
}


class Live:
    """One engine, what happens to it, and the samples so far."""

    def __init__(self, folder: Path) -> None:
        self.samples: defaultdict[str, list[Sample]] = defaultdict(list)
        self.engine = Engine.load(policies.NFV, folder)
        # As a process does that goes on for long: what is there now will stay, and need not be looked through for
        # garbage again and again, for some twenty milliseconds each time, while everybody waits.
        gc.collect()
        gc.freeze()
        self.told: dict[str, Any] = {"timing": engine_timing(self.engine), "counts": counts(self.engine)}
        self._history = read_changes(folder)

    def moves(self) -> None:
        """Machines move, few and many at a time."""
        for name in MOVES:
            if name != PLANNED:
                self._keep_current(name)

    def links(self) -> None:
        """Links are re-wired, which goes through a recursion."""
        for name in LINKS:
            self._keep_current(name)

    def audit(self) -> None:
        """A policy of three rules comes and goes."""
        audit = _policy(policies.AUDIT)
        for number in range(AUDITS):
            self._change(_nth(number, "policy added"), self.engine.apply, policies=[audit])
            self.told["audit"] = {name: rows for name, rows in counts(self.engine).items() if name.startswith("audit:")}
            self._change(_nth(number, "policy removed"), self.engine.apply, remove=[audit.name])

    def what_if(self) -> None:
        """Changes and rules are tried."""
        for number, batch in enumerate(self._history[PLANNED]):
            self._change(_nth(number, "what-if, moves"), self.engine.what_if, _changes(batch))
        for kind, path in policies.PLANNED.items():
            planned = _policy(path)
            for number in range(WHAT_IFS):
                self._change(_nth(number, f"what-if, a rule on {kind}"), self.engine.what_if, policies=[planned])

    def precommit(self) -> None:
        """Rules are checked before they are committed, beside a hundred policies; then those go again."""
        texts = policies.many_policies(BESIDE)
        self.engine.apply(policies=[Policy(name, text, f"{name}.dl") for name, text in texts.items()])
        context = Context(owners=OWNERS)
        for kind, path in policies.PLANNED.items():
            planned = _policy(path)
            for number in range(WHAT_IFS):
                clock = Clock()
                report = precommit(self.engine, [planned], context=context)
                taken = clock.lap()
                self._note(_nth(number, f"check, a rule on {kind}"), taken, new_rows=report.impact.totals["new"])
        self.engine.apply(remove=texts)

    def explain(self) -> None:
        """Violations of all kinds are explained, and rows that are none are asked for."""
        for kind in VIOLATIONS:
            for row in islice(self._violations(kind), EXPLAINED):
                clock = Clock()
                proof = self.engine.explain("nfv:error", row)
                self._note("explain", clock.lap())
                if proof is None:
                    raise RuntimeError(f"the violation {row} ({kind}) has no explanation")
        for number in range(EXPLAINED):
            clock = Clock()
            self.engine.why_not("nfv:error", (f"vm{number}", "nowhere"))
            self._note("why not", clock.lap())

    def read(self) -> None:
        """A reader reads, alone and then while batches of 1,000 moves are taken back and applied without pause."""
        batches = self._history["1,000 moves"]
        for lookup in LOOKUPS:
            self.engine.query(lookup)  # who asks first makes an index, which is no waiting for others
        again = [_changes(each) for each in (*(batch.undone() for batch in reversed(batches)), *batches)]
        reader = Reader(self.engine)
        reader.start()
        reader.join(timeout=READS_ALONE_S)
        self._note_reads("alone", reader)
        reader = Reader(self.engine)
        reader.start()
        rounds = 0
        while rounds < READ_ROUNDS or (reader.is_alive() and reader.turns < READS):
            for changes in again:
                self.engine.apply(changes)
            rounds += 1
        self._note_reads("beside a writer", reader)

    def end(self) -> None:
        """What the engine answers now, and how much memory it all took; digests cost memory and come last."""
        self.told["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.told["end"] = {"counts": counts(self.engine), "digests": digests(self.engine)}

    def _keep_current(self, name: str) -> None:
        for batch in self._history[name]:
            self._change(name, self.engine.apply, _changes(batch))

    def _change(self, name: str, change: Callable[..., Changes], *given: Mapping[str, Delta], **named: Any) -> None:
        """Change something, or try to, and read all that follows from it."""
        clock = Clock()
        changes = change(*given, **named)
        taken = clock.lap()
        rows = sum(len(changes[table].insert) + len(changes[table].delete) for table in changes.changed())
        self._note(name, taken, read_cpu_s=(taken + clock.lap()).cpu_s, changed_rows=rows)

    def _note(self, name: str, taken: Taken, **more: float) -> None:
        self.samples[name].append({**asdict(taken), **more})

    def _note_reads(self, name: str, reader: Reader) -> None:
        for kind, waits in reader.stop().items():
            self.samples[f"reading {kind} {name}"] = [{"wall_s": wait} for wait in waits]

    def _violations(self, kind: str) -> Iterator[Row]:
        """Violations of a kind, none of them twice."""
        columns = [column.name for column in self.engine.schema(f"nfv:{kind}").columns]
        text, seen = VIOLATIONS[kind], set[Row]()
        for number in range(HOSTS if "{host}" in text else 1):
            answer = self.engine.query(text.format(host=f"host{number}"))
            places = [answer.columns.index(column) for column in columns]
            rows = {tuple(row[place] for place in places) for row in answer.rows} - seen
            yield from sorted(rows, key=repr)
            seen |= rows


PARTS: tuple[Callable[[Live], None], ...] = (
    Live.moves,
    Live.links,
    Live.audit,
    Live.what_if,
    Live.precommit,
    Live.explain,
    Live.read,
    Live.end,
)


def _nth(number: int, name: str) -> str:
    """The first time of anything makes indexes that later times find, and is told apart."""
    return f"{name}, first time" if number == 0 else name


def _policy(path: Path) -> Policy:
    return Policy(path.stem, path.read_text(encoding="utf-8"), path.name)


def _changes(batch: Batch) -> dict[str, Delta]:
    return {batch.table: Delta(insert=batch.insert, delete=batch.delete)}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--batches-only", is_flag=True, help="Only apply the batches.")
def main(folder: Path, batches_only: bool) -> None:
    """Keep the twelve questions to the estate in FOLDER current, and ask."""
    live = Live(folder)
    for part in (Live.moves, Live.links, Live.end) if batches_only else PARTS:
        part(live)
    click.echo(json.dumps({**live.told, "samples": live.samples}))


if __name__ == "__main__":
    main()
