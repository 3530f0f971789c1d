"""
The process that runs pyDatalog: one request a line in, one reply a line out, both JSON.

It is a process of its own because pyDatalog cannot be interrupted: whoever
asked kills it when the time is up.
"""

from __future__ import annotations

import json
import sys

from congresslite.engine.reference.solver import solve


def main() -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        reply: dict[str, object]
        try:
            reply = {"tables": solve(request["layers"], request["tables"], request["arities"], request["clock"])}
        except Exception as error:
            # Whatever pyDatalog raises is told to whoever asked.
            reply = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
