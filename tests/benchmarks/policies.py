"""
Policies that are large or deep rather than useful: what no table of rows shows about an engine.
"""

from __future__ import annotations

# What a machine may be compared by: enough of them that rules differ, as those of a large estate do.
_DISKS = ("ssd", "hdd")


def chain_of_rules(length: int) -> str:
    """`length` rules, each of which only copies the table of the one before it; the first holds one fact."""
    rules = "\n".join(f"t{n}(x) :- t{n - 1}(x)." for n in range(1, length + 1))
    return f'policy deep.\nt0("here").\n{rules}\n'


def reachability() -> str:
    """What can be reached from node 0 along the edges of `inv:edge`."""
    return "policy path.\nreached(b) :- inv:edge(0, b).\nreached(c) :- reached(b), inv:edge(b, c).\n"


def many_rules(count: int) -> str:
    """`count` rules over the estate of `workload.py`, each a join of its own, with a selection and a negation."""
    return "policy wide.\n" + "\n".join(_rule(number) for number in range(count)) + "\n"


def _rule(number: int) -> str:
    return (
        f'@id("R{number}")\n'
        f'error(vm, host) :- inv:vm(id=vm, host=host, image="img{number}"), inv:host(id=host, cores=cores, '
        f'disk="{_DISKS[number % len(_DISKS)]}"), cores > {number % 64}, not inv:image_banned("img{number}").'
    )
