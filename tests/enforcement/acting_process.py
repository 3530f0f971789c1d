"""
An enforcer in a process of its own, to be killed.

    python -m tests.enforcement.acting_process FOLDER VNFM-URL DATABASE

It scales every VNF that FOLDER/vnfs.json names, and prints a line once it does; it goes on until it is ended.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from congresslite.enforcement.executors.vnfm import Settings, open_executor
from tests.enforcement.world import World

POLICY = 'policy p(mode = "enforce").\nexecute[vnfm:scale_out(v, "work")] :- inv:vm(id=v, state="bad").'
LIMITS = {
    "backoff": 0.05, "call_timeout": 0.5, "cooldown": 0, "timeout": 60, "attempts": 10,
    "rate": {"amount": 100_000}, "object_rate": {"amount": 100_000},
}  # fmt: skip


def main(folder: Path, vnfm: str, database: str) -> None:
    """Act until the end."""
    vnfs = json.loads((folder / "vnfs.json").read_text("utf-8"))
    executor = open_executor("vnfm", Settings.model_validate({"url": vnfm, "timeout": 0.5}), folder / "executor")
    world = World(
        folder, POLICY, dict.fromkeys(vnfs, "bad"), executor=executor, target="vnfm", url=database,
        enforcement={"defaults": LIMITS},
    )  # fmt: skip
    with world.running():
        sys.stdout.write("acting\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
