"""The how-to of scripts, requests and devices shows what the executors take."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-scripts-and-requests.md"


def targets() -> dict[str, dict[str, Any]]:
    """All targets that the page shows."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return {name: each for block in blocks for name, each in yaml.safe_load(block)["enforcement"]["targets"].items()}


def given(value: Any) -> Any:
    """A setting as the configuration hands it on, with variables of the environment read."""
    if isinstance(value, dict):
        return "from-the-environment" if list(value) == ["env"] else {name: given(each) for name, each in value.items()}
    return [given(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", targets())
def test_targets(name: str, tmp_path: Path) -> None:
    """Each target on the page is one that its executor opens."""
    settings = targets()[name]
    module = import_module(f"congresslite.enforcement.executors.{settings.pop('executor')}")
    executor = module.open_executor(name, module.Settings.model_validate(given(settings)), tmp_path)
    assert executor.kinds
    executor.close()


@pytest.mark.parametrize("executor", ["script", "executable", "http", "netconf"])
def test_settings(executor: str) -> None:
    """Each setting of an executor is on the page."""
    fields = import_module(f"congresslite.enforcement.executors.{executor}").Settings.model_fields
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in fields if not re.search(rf"[` ]{name}[`:]", text)] == []
