"""
Put the machines of a PCRF together: give each of them the addresses of all.

    stitch_cluster.py --cluman ADDRESS --lb ADDRESS --session ADDRESS --session ADDRESS

Stands for what a product's own installer does when all machines are up. The plan of the cluster is written to
`$CLUSTERS/OBJECT.json`, whole or not at all, so that running it twice is as running it once.
"""

import argparse
import ipaddress
import json
import os
import sys
from pathlib import Path


def main() -> int:
    """Write the plan; 0 if it is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cluman", required=True, type=ipaddress.ip_address)
    parser.add_argument("--lb", required=True, type=ipaddress.ip_address)
    parser.add_argument("--session", required=True, action="append", type=ipaddress.ip_address)
    given = parser.parse_args()
    cluster = os.environ["CONGRESSLITE_OBJECT"]
    if not cluster.replace("-", "").isalnum():
        print(f"{cluster!r} is no name of a cluster", file=sys.stderr)
        return 1
    plan = {"cluster": cluster, "cluman": str(given.cluman), "lb": str(given.lb), "session": [*map(str, given.session)]}
    path = Path(os.environ["CLUSTERS"]) / f"{cluster}.json"
    writing = path.with_suffix(".writing")
    writing.write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
    writing.replace(path)
    print(f"{cluster}: {3 + len(given.session) - 1} machines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
