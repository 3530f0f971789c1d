"""The tutorial on one's own OpenStack, followed on a real one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.controlplane.fixture import controlplane
from tests.live.serving import Served, served
from tests.sources.test_openstack_live import a_server
from tests.test_docs import blocks, commands, matches
from tests.waiting import until

PAGE = Path(__file__).parents[2] / "docs/tutorial/your-openstack.md"

pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("controlplane"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


def test_whoever_follows_the_tutorial_sees_the_violation(tmp_path: Path) -> None:
    """The files of the page, over a real cloud, give what the page shows once a server is stopped."""
    plane = controlplane()
    page = list(blocks(PAGE))
    for block in page:
        if block.file is not None:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    real = yaml.safe_load(plane.clouds.read_text(encoding="utf-8"))["clouds"]["lab-admin"]
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"mycloud": real}}), encoding="utf-8")
    config = yaml.safe_load((tmp_path / "congresslite.yaml").read_text(encoding="utf-8"))
    prefix = f"test-{uuid4().hex[:8]}"
    with plane.connect() as cloud, served(tmp_path, config) as server, a_server(cloud, prefix) as machine:
        until(lambda: not server.get("/v1/violations?limit=1")["undetermined"], 60)
        cloud.compute.stop_server(machine)
        until(lambda: server.violations(f"rule=stopped&object={machine.id}"), 90)
        shown = [pair for block in page if block.language == "shell-session" for pair in commands(block)]
        assert len(shown) == 3
        for command, expected in shown:
            printed = _run(command, server)
            assert matches(expected, re.sub(r"\A.*?(?=watched:|\Z)", "", printed) if "why" in command else printed), (
                printed
            )


def _run(command: str, server: Served) -> str:
    """What a command of the page prints."""
    environment = {**os.environ, "CONGRESSLITE_SERVER": f"http://{server.address}", "NO_COLOR": "1", "COLUMNS": "120"}
    arguments = [sys.executable, "-m", *command.split()]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout
