"""
The estate that performance is measured on, and the graphs for closures.

Figures are compared over years and between engines, so an estate is decided by
its size and its seed alone: never change which numbers are drawn, nor in which
order. Rows are drawn while they are written, one table after the other.
Run as a process: writes an estate.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import click
import yaml

Values = tuple[str | int, ...]

SCHEMA = """\
# The tables in the order in which they are drawn; their columns in the order in which they are written.
region_parent: {columns: {child: str, parent: str}}
pop: {columns: {id: str, region: str, kind: str}, key: [id]}
host: {columns: {id: str, pop: str, cores: int, state: str, disk: str}, key: [id], references: {pop: pop.id}}
tenant: {columns: {id: str, tier: str}, key: [id]}
ns: {columns: {id: str, tenant: str}, key: [id], references: {tenant: tenant.id}}
vnf: {columns: {id: str, ns: str, type: str, state: str}, key: [id], references: {ns: ns.id}}
vm:
  columns: {id: str, vnf: str, host: str, vcpus: int, state: str, image: str}
  key: [id]
  references: {vnf: vnf.id, host: host.id}
image_banned: {columns: {image: str}}
port: {columns: {id: str, vm: str, net: str}, key: [id], references: {vm: vm.id, net: network.id}}
network: {columns: {id: str, owner: str, visibility: str}, key: [id], references: {owner: tenant.id}}
member: {columns: {tenant: str, group: str}, references: {tenant: tenant.id}}
link: {columns: {vnf: str, next: str}, references: {vnf: vnf.id, next: vnf.id}}
"""

COLUMNS: dict[str, dict[str, str]] = {table: each["columns"] for table, each in yaml.safe_load(SCHEMA).items()}
IMAGES = 50


class Estate:
    """An estate of `vms` virtual machines: two ports each, four of them a VNF, ten a host."""

    def __init__(self, vms: int, seed: int = 1) -> None:
        self._draw = random.Random(seed)
        self.vms = vms
        self.pops = max(3, vms // 2000)
        self.regions = max(2, self.pops // 10)
        self.hosts = max(6, vms // 10)
        self.tenants = max(3, vms // 100)
        self.services = max(2, vms // 20)
        self.vnfs = max(4, vms // 4)
        self.networks = max(5, vms // 50)

    def tables(self) -> Iterator[tuple[str, Iterable[Values]]]:
        """The tables with their rows; each has to be gone through before the next is asked for."""
        of: dict[str, Callable[[], Iterable[Values]]] = {
            "region_parent": self._region_parents,
            "pop": self._pops,
            "host": self._hosts,
            "tenant": self._tenants,
            "ns": self._services,
            "vnf": self._vnfs,
            "vm": self._machines,
            "image_banned": self._banned_images,
            "port": self._ports,
            "network": self._networks,
            "member": self._members,
            "link": self._links,
        }
        for name, rows in of.items():
            yield name, rows()

    def _one_of(self, kind: str, how_many: int) -> str:
        return f"{kind}{self._draw.randrange(how_many)}"

    def _mostly(self, usual: str, other: str, of: int) -> str:
        """`other` once in `of` times."""
        return other if self._draw.randrange(of) == of - 1 else usual

    def _region_parents(self) -> Iterator[Values]:
        for child in range(1, self.regions):
            yield f"region{child}", f"region{(child - 1) // 2}"

    def _pops(self) -> Iterator[Values]:
        for pop in range(self.pops):
            yield f"pop{pop}", self._one_of("region", self.regions), self._draw.choice(("edge", "core", "dc"))

    def _hosts(self) -> Iterator[Values]:
        for host in range(self.hosts):
            cores = self._draw.choice((16, 32, 64))
            state = self._mostly("up", "down", 50)
            yield f"host{host}", f"pop{host % self.pops}", cores, state, self._draw.choice(("ssd", "hdd"))

    def _tenants(self) -> Iterator[Values]:
        for tenant in range(self.tenants):
            yield f"t{tenant}", self._draw.choice(("platinum", "gold", "silver", "silver"))

    def _services(self) -> Iterator[Values]:
        for service in range(self.services):
            yield f"ns{service}", self._one_of("t", self.tenants)

    def _vnfs(self) -> Iterator[Values]:
        for vnf in range(self.vnfs):
            service = self._one_of("ns", self.services)
            kind = self._draw.choice(("firewall", "pcrf", "vpc", "lb"))
            yield f"vnf{vnf}", service, kind, self._mostly("ACTIVE", "ERROR", 30)

    def _machines(self) -> Iterator[Values]:
        for vm in range(self.vms):
            vnf, host = self._one_of("vnf", self.vnfs), self._one_of("host", self.hosts)
            vcpus = self._draw.randrange(1, 5)
            state = self._mostly("ACTIVE", "ERROR", 50)
            yield f"vm{vm}", vnf, host, vcpus, state, self._one_of("img", IMAGES)

    def _banned_images(self) -> Iterator[Values]:
        for image in self._draw.sample(range(IMAGES), 2):
            yield (f"img{image}",)

    def _ports(self) -> Iterator[Values]:
        for port in range(2 * self.vms):
            yield f"port{port}", f"vm{port // 2}", self._one_of("net", self.networks)

    def _networks(self) -> Iterator[Values]:
        for network in range(self.networks):
            owner = self._one_of("t", self.tenants)
            yield f"net{network}", owner, self._draw.choice(("public", "private", "private", "private"))

    def _members(self) -> Iterator[Values]:
        groups = max(2, self.tenants // 5)
        for tenant in range(self.tenants):
            yield f"t{tenant}", self._one_of("grp", groups)

    def _links(self) -> Iterator[Values]:
        """The VNFs are dealt out to service chains of their own, which have nothing to do with their services."""
        chains: defaultdict[int, list[int]] = defaultdict(list)
        for vnf in range(self.vnfs):
            chains[self._draw.randrange(self.services)].append(vnf)
        for chain in chains.values():
            for vnf, following in pairwise(chain):
                yield f"vnf{vnf}", f"vnf{following}"


def write_estate(vms: int, folder: Path, seed: int = 1) -> None:
    """Write `folder/inv/TABLE.csv` with `_schema.yaml`."""
    inventory = folder / "inv"
    inventory.mkdir(parents=True, exist_ok=True)
    (inventory / "_schema.yaml").write_text(SCHEMA, encoding="utf-8")
    for table, rows in Estate(vms, seed).tables():
        write_rows(inventory / f"{table}.csv", COLUMNS[table], rows)


def write_graph(edges: Iterable[Values], folder: Path) -> None:
    """Write the edges as the table `inv:edge` of a folder of its own."""
    inventory = folder / "inv"
    inventory.mkdir(parents=True, exist_ok=True)
    (inventory / "_schema.yaml").write_text("edge: {columns: {a: int, b: int}}\n", encoding="utf-8")
    write_rows(inventory / "edge.csv", ("a", "b"), edges)


def write_rows(path: Path, header: Iterable[str], rows: Iterable[Values]) -> None:
    """Write a CSV file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def read_rows(path: Path, types: Mapping[str, str]) -> Iterator[Values]:
    """The rows of a CSV file that was written so, with integers where they are declared."""
    numbers = [position for position, type_ in enumerate(types.values()) if type_ == "int"]
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        for texts in rows:
            row: list[str | int] = list(texts)
            for position in numbers:
                row[position] = int(texts[position])
            yield tuple(row)


def chain(nodes: int) -> Iterator[Values]:
    """Edges from each node to the next."""
    return pairwise(range(nodes))


def random_graph(nodes: int, edges: int, seed: int = 1) -> Iterator[Values]:
    """Edges between any two nodes; a few may be drawn twice."""
    draw = random.Random(seed)
    for _ in range(edges):
        yield draw.randrange(nodes), draw.randrange(nodes)


@click.command()
@click.argument("vms", type=click.IntRange(min=1))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", default=1, show_default=True)
def main(vms: int, folder: Path, seed: int) -> None:
    """Write an estate of VMS virtual machines to FOLDER; the sizes measured are 1000, 100000 and 1000000."""
    write_estate(vms, folder, seed)


if __name__ == "__main__":
    main()
