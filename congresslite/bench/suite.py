"""
Which figures there are, what each is held beside, and the targets.

Each part of the suite measures, compares answers, and gives figures. Parts are
asked for by name and run in the order of `PARTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from congresslite.bench import policies, workload
from congresslite.bench.at_work import MILLI, Samples, at_work, figure, growth
from congresslite.bench.changes import AFTER
from congresslite.bench.child import congresslite, module
from congresslite.bench.figures import AtLeast, AtMost, Figure, Target, TimesAtMost, TimesFaster
from congresslite.bench.measure import BenchError, Measured, Subject, Tell, by_turns, compare, reason
from congresslite.bench.peers import DUCKDB, Peer

GIGABYTE = 1e9
US = "congresslite"
LOAD_S = 60.0  # for which a server is put under load; a tenth of it at a small size
SMALL = 10_000
POPS = 50
ADAPTED, FAILED = 1_000, 10  # network functions, and how many of them have failed


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured: at which size, how often, beside which slow peers, and in which database."""

    size: int = 1_000_000
    seed: int = 1
    runs: int = 3
    peers: tuple[Peer, ...] = ()
    peer_size: int = 100_000
    database: str | None = None  # the URL of an empty one of PostgreSQL's


@dataclass(slots=True)
class Bench:
    """The measurements so far, by what was measured and by whom. Estates lie in `folder`, and stay there."""

    folder: Path
    options: Options
    tell: Tell
    measured: dict[str, dict[str, Measured]] = field(default_factory=dict)
    samples: dict[str, Samples] = field(default_factory=dict)

    def evaluation(self) -> Iterator[Figure]:
        """The twelve questions, evaluated from scratch."""
        name, estate = _vms(self.options.size), self._estate(self.options.size)
        found = self._turns(name, {US: _check(policies.NFV, estate), **_duckdb("nfv", estate)})
        yield _timed(name, "read", found, "load")
        yield _timed(name, "evaluate", found, "evaluate", target=TimesAtMost(1.0))
        yield _timed(name, "CSV to answers", found, "load", "evaluate", target=TimesAtMost(1.8))
        ours, theirs = found[US], found.get(DUCKDB.name)
        cpu, peak = (None, None) if theirs is None else (theirs.cpu, theirs.peak / GIGABYTE)
        yield Figure(name, "whole process", "CPU s", ours.cpu, DUCKDB.name, cpu, wall=ours.wall)
        yield Figure(name, "peak memory", "GB", ours.peak / GIGABYTE, DUCKDB.name, peak, AtMost(1.5))

    def work(self) -> Iterator[Figure]:
        """The twelve questions, kept current, tried and explained; beside evaluating them again, in the same run."""
        size, estate = self.options.size, self._estate(self.options.size)
        name = f"{_vms(size)}, at work"
        found = self._turns(name, {US: lambda: module("live", estate), **_duckdb("nfv", estate)})
        self._hold_against_scratch(name, found[US], estate / AFTER)
        audit = self._turns(f"{name}: audit alone", {US: _check(policies.AUDIT, estate / AFTER)})[US]
        for told in found[US].told:
            compare([("a policy added", told["audit"]), ("the same evaluated alone", audit.counts)], whole=True)
        samples = self.samples[name] = Samples(found[US])
        yield from at_work(name, samples, _again_ms(found), audit)
        small = max(100, size // 100)
        yield growth(name, samples, _vms(small), self._moved(small))

    def closure(self) -> Iterator[Figure]:
        """Transitive closure beside DuckDB's recursive SQL."""
        graphs = (
            ("random graph", workload.random_graph(2_000, 10_000), 1.5),
            ("chain", workload.chain(1_000), 10.0),
        )
        for name, edges, limit in graphs:
            folder = self.folder / name.replace(" ", "-")
            workload.write_graph(edges, folder)
            subjects = {US: _check(policies.CLOSURE, folder), **_duckdb("closure", folder)}
            yield _timed("closure", f"of a {name}", self._turns(name, subjects), "evaluate", target=TimesAtMost(limit))

    def start(self) -> Iterator[Figure]:
        """How long somebody waits who checks the example estate."""
        arguments = ("check", "--example", "-o", "json", "--exit-zero")
        found = self._turns("example estate", {US: lambda: congresslite(*arguments)})
        yield Figure("example estate", "wait", "s", found[US].wall, target=AtMost(1.0))

    def scale(self) -> Iterator[Figure]:
        """Policies that are large or deep."""
        path = self.folder / "path"
        workload.write_graph(workload.chain(100_001), path)
        small = self._estate(1_000)
        cases = (
            ("a chain of 10,000 rules", policies.chain_of_rules(10_000), small),
            ("a path of 100,000 edges", policies.reachability(), path),
            ("1,000 rules, 1,000 VMs", policies.many_rules(1_000), small),
        )
        for name, text, data in cases:
            file = self.folder / f"{name.replace(' ', '-')}.dl"
            file.write_text(text, encoding="utf-8")
            found = self._turns(name, {US: _check(file, data)})[US]
            yield Figure("scale: whole process", name, "CPU s", found.cpu, wall=found.wall)

    def server(self) -> Iterator[Figure]:
        """A server that holds the estate as pushed rows: questions, pushes and event streams at the same time."""
        from congresslite.bench.served import under_load  # noqa: PLC0415 - a server is an extra

        size, estate = self.options.size, self._estate(self.options.size)
        name = f"{_vms(size)}, served"
        self.tell(f"{name}: under load", 0, 0)
        found = under_load(estate, self.folder / f"served-{size}", size, LOAD_S if size > SMALL else LOAD_S / 10)
        asked, pushed, streams = found["questions"], found["pushes"], found["streams"]
        yield Figure(name, "a page of violations, 100 a second: median", "ms", asked["p50"])
        yield Figure(name, "…: one in a hundred takes longer", "ms", asked["p99"], target=AtMost(100))
        yield Figure(name, "…: the longest", "ms", asked["max"])
        yield Figure(name, "requests that failed", "", asked["failed"] + pushed["failed"], target=AtMost(0))
        yield Figure(name, "100 rows pushed each second: median", "ms", pushed["p50"])
        yield Figure(name, "50 event streams: not alive or complete", "", streams["count"] - streams["complete"],
                     target=AtMost(0))  # fmt: skip
        yield Figure(name, "first start", "s", found["first_start_s"])
        yield Figure(name, "start after a stop", "s", found["restart_s"])
        yield Figure(name, "peak memory", "GB", found["peak_bytes"] / GIGABYTE)

    def tiers(self) -> Iterator[Figure]:
        """Points of presence below one engine, over a bus in memory: how soon the top knows of a move."""
        vms = max(30, self.options.size // POPS)
        name = f"{POPS} points of presence × {vms:,} VMs"
        self.tell(f"{name}: machines move", 0, 0)
        ended = module("tiers", str(POPS), str(vms))
        if ended.code != 0:
            raise BenchError(f"engines in tiers failed: {reason(ended)}")
        found = ended.json()
        yield Figure(name, "a moved VM is a violation at the top: median", "ms", median(found["moves_s"]) * MILLI)
        yield Figure(name, "…: the longest", "ms", max(found["moves_s"]) * MILLI, target=AtMost(1000))
        yield Figure(name, "…: the largest message upward", "bytes", found["largest_bytes"])
        yield Figure(name, "until the top knows all tables", "s", found["known_s"])
        yield Figure(name, "peak memory, all engines", "GB", found["peak_bytes"] / GIGABYTE)

    def adaptation(self) -> Iterator[Figure]:
        """Where failed network functions go: the scenarios of the example, and an estate of a thousand functions."""
        if not find_spec("clingo"):
            return
        self.tell("adaptation: choosing", 0, 0)
        ended = module("adaptation", str(ADAPTED), str(FAILED))
        if ended.code != 0:
            raise BenchError(f"adaptation failed: {reason(ended)}")
        found = ended.json()
        for name, each in found["scenarios"].items():
            yield Figure("adaptation", name, "CPU ms", each["cpu_s"] * MILLI, target=AtMost(100),
                         wall=each["wall_s"] * MILLI)  # fmt: skip
        drawn = found["estate"]
        yield Figure("adaptation", f"{ADAPTED:,} VNFs, {FAILED} failed", "CPU s", drawn["cpu_s"], target=AtMost(2.0),
                     wall=drawn["wall_s"])  # fmt: skip

    def actions(self) -> Iterator[Figure]:
        """Actions from pushed rows to their outcomes, all of them journaled."""
        count = 3_000 if self.options.size > SMALL else 200
        cases: list[tuple[str, list[str], float]] = [("SQLite", [], 1_000)]
        if self.options.database is not None:
            cases.append(("PostgreSQL", ["--database", self.options.database], 5_000))
        for database, more, target in cases:
            name = f"{count:,} actions, {database}"
            self.tell(f"{name}: run", 0, 0)
            ended = module("actions", str(count), *more)
            if ended.code != 0:
                raise BenchError(f"actions failed: {reason(ended)}")
            found = ended.json()
            yield Figure(name, "through the journal", "a minute", found["whole"] / found["seconds"] * 60,
                         target=AtLeast(target))  # fmt: skip
            yield Figure(name, "without a whole record", "", count - found["whole"], target=AtMost(0))

    def peers(self) -> Iterator[Figure]:
        """The twelve questions beside slow peers, each of which is run once: some take minutes."""
        installed = [peer for peer in self.options.peers if peer.installed]
        if not installed:
            return
        size = self.options.peer_size
        name, estate = f"{_vms(size)}, peers", self._estate(size)
        ours = self._turns(name, {US: _check(policies.NFV, estate)})[US]
        current = figure(name, "100 moves kept current", self._moved(size), "100 moves")
        for peer in installed:
            theirs = by_turns({peer.name: _ask(peer, estate)}, 1, self._teller(name))[peer.name]
            self.measured[name][peer.name] = theirs
            compare([(US, ours.counts), (peer.name, theirs.counts)])
            found = {US: ours, peer.name: theirs}
            target = TimesFaster(500) if peer.name == "pyDatalog" else None
            yield _timed(name, "evaluate", found, "evaluate", target=target, peer=peer.name)
            yield _timed(name, "data to answers", found, "load", "evaluate", peer=peer.name)
            again = theirs.timing("evaluate_cpu_s") * MILLI
            yield replace(current, beside=f"{peer.name}, all again", theirs=again)

    def _hold_against_scratch(self, name: str, live: Measured, estate: Path) -> None:
        """What an engine answers after all batches is what is answered from scratch. Raises BenchError if not."""
        scratch = by_turns(
            {"from scratch": lambda: module("answers", estate), **_duckdb("nfv", estate)}, 1, self._teller(name)
        )["from scratch"].told[0]
        for told in live.told:
            for kind in ("counts", "digests"):
                compare([("kept current", told["end"][kind]), ("from scratch", scratch[kind])], whole=True)

    def _moved(self, size: int) -> Samples:
        """The samples of batches that are applied to an estate of another size."""
        estate = self._estate(size)
        name = f"{_vms(size)}, batches"
        found = self._turns(name, {US: lambda: module("live", estate, "--batches-only")})[US]
        self._hold_against_scratch(name, found, estate / AFTER)
        self.samples[name] = Samples(found)
        return self.samples[name]

    def _turns(self, name: str, subjects: dict[str, Subject]) -> dict[str, Measured]:
        found = self.measured[name] = by_turns(subjects, self.options.runs, self._teller(name))
        return found

    def _teller(self, name: str) -> Tell:
        return lambda what, done, total: self.tell(f"{name}: {what}, run", done, total)

    def _estate(self, size: int) -> Path:
        """The estate of a size and what happens to it, made if it is not there."""
        seed = self.options.seed
        folder = self.folder / f"estate-{size}-{seed}"
        if not folder.exists():
            self.tell(f"making an estate of {_vms(size)}", 0, 0)
            # Under another name at first: what was interrupted must not be taken for whole.
            unfinished = folder.with_suffix(".unfinished")
            for maker in ("workload", "changes"):
                ended = module(maker, str(size), unfinished, "--seed", str(seed))
                if ended.code != 0:
                    raise BenchError(f"no estate could be made in `{unfinished}`: {reason(ended)}")
            unfinished.rename(folder)
        return folder


Part = Callable[[Bench], Iterator[Figure]]

PARTS: dict[str, Part] = {
    "evaluation": Bench.evaluation,
    "work": Bench.work,
    "closure": Bench.closure,
    "start": Bench.start,
    "scale": Bench.scale,
    "server": Bench.server,
    "tiers": Bench.tiers,
    "actions": Bench.actions,
    "adaptation": Bench.adaptation,
    "peers": Bench.peers,
}


def _vms(size: int) -> str:
    return f"{size:,} VMs"


def _check(policy: Path, data: Path) -> Subject:
    """`congresslite check`, which tells of itself what the peers tell."""
    return lambda: congresslite("check", policy, "--data", data, "-o", "json", "--counts", "--exit-zero")


def _ask(peer: Peer, *arguments: str | Path) -> Subject:
    return lambda: peer.ask(*arguments)


def _duckdb(questions: str, data: Path) -> dict[str, Subject]:
    """DuckDB as a subject, if it is installed."""
    return {DUCKDB.name: _ask(DUCKDB, questions, data)} if DUCKDB.installed else {}


def _again_ms(found: dict[str, Measured]) -> float | None:
    """What evaluating everything again takes by SQL."""
    peer = found.get(DUCKDB.name)
    return None if peer is None else peer.timing("evaluate_cpu_s") * MILLI


def _timed(
    group: str,
    name: str,
    found: dict[str, Measured],
    *steps: str,
    target: Target | None = None,
    peer: str = DUCKDB.name,
) -> Figure:
    """The processor time of steps, which ours and the peer's tell of themselves."""
    theirs = found.get(peer)
    cpu = [f"{step}_cpu_s" for step in steps]
    wall = [f"{step}_s" for step in steps]
    return Figure(
        group,
        name,
        "CPU s",
        found[US].timing(*cpu),
        peer,
        None if theirs is None else theirs.timing(*cpu),
        target,
        found[US].timing(*wall),
    )
