"""`make run`: what it says one may try can be tried, and Ctrl-C ends it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def test_what_it_says_can_be_tried(tmp_path: Path) -> None:
    """The address that is printed answers as the three lines say, and Ctrl-C ends it cleanly."""
    venv = tmp_path / "venv/bin"
    venv.mkdir(parents=True)
    command = venv / "congresslite"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m congresslite "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (venv / "python").symlink_to(sys.executable)
    (venv.parent / ".installed").touch()
    make = shutil.which("make")
    assert make is not None
    run = [make, "--no-print-directory", f"VENV={venv.parent}", "SCRIPTS=", "run"]
    environment = {**os.environ, "CONGRESSLITE_SERVER__LISTEN": "127.0.0.1:0"}  # the usual port may be taken
    process = subprocess.Popen(
        run,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        told = ""
        for line in process.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        (console,) = re.findall(r"open (\S+/console/)", told)
        (page,) = re.findall(r"curl -s '(\S+)'", told)
        (watch,) = re.findall(r"curl -N (\S+)", told)
        with urlopen(console, timeout=PATIENCE_S) as reply:  # noqa: S310 - of this machine
            assert b"<h1>Overview</h1>" in reply.read()
        with urlopen(page, timeout=PATIENCE_S) as reply:  # noqa: S310
            assert {each["severity"] for each in json.load(reply)["items"]} == {"critical"}
        with urlopen(watch, timeout=PATIENCE_S) as reply:  # noqa: S310
            assert reply.headers["Content-Type"].startswith("text/event-stream")
            os.killpg(process.pid, signal.SIGINT)
            process.wait(PATIENCE_S)
        assert "Traceback" not in process.stdout.read()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
