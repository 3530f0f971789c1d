"""
The policies that are measured: files beside this module, and texts that are large or deep rather than useful.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

NFV = _HERE / "nfv.dl"  # the twelve questions
CLOSURE = _HERE / "closure.dl"
AUDIT = _HERE / "audit.dl"  # three rules that come and go
PLANNED = {"few": _HERE / "planned_few.dl", "many": _HERE / "planned_many.dl"}  # what if this rule went in


def chain_of_rules(length: int) -> str:
    """`length` rules, each of which only copies the table of the one before it; the first holds one fact."""
    rules = "\n".join(f"t{n}(x) :- t{n - 1}(x)." for n in range(1, length + 1))
    return f'policy deep.\nt0("here").\n{rules}\n'


def reachability() -> str:
    """What can be reached from node 0 along the edges of `inv:edge`."""
    return "policy path.\nreached(b) :- inv:edge(0, b).\nreached(c) :- reached(b), inv:edge(b, c).\n"


def many_rules(count: int) -> str:
    """`count` rules over the estate of `workload.py`, all different up to 1,600: joins, selections, a negation."""
    return "policy wide.\n" + "\n".join(map(_rule, range(count))) + "\n"


def many_policies(count: int) -> dict[str, str]:
    """`count` policies by name, each of three of these rules."""
    return {
        f"p{n}": f"policy p{n}.\n" + "\n".join(_rule(number) for number in range(3 * n, 3 * n + 3)) + "\n"
        for n in range(count)
    }


def _rule(number: int) -> str:
    image, disk = f"img{number % 50}", "hdd" if number % 2 else "ssd"
    return (
        f'@id("R{number}") error(vm, host) :- inv:vm(id=vm, host=host, image="{image}"), '
        f'inv:host(id=host, cores=cores, disk="{disk}"), cores > {number % 64}, not inv:image_banned("{image}").'
    )
