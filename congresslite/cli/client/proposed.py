"""Policies of this machine that are to go to a server: each by its name, with the file that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from congresslite.cli.client.findings import Texts
from congresslite.diagnostics import Diagnostic, PolicyError, Source
from congresslite.language.parser import YAML_SUFFIXES, is_yaml
from congresslite.policy.loading import UNREADABLE, load_policies, name_of_text


def read_proposed(paths: tuple[Path, ...]) -> dict[str, Source]:
    """The policies of files and folders by name; what is wrong within them is for the server to say.

    Raises PolicyError for what cannot be read or told apart, UsageError for what no server takes.
    """
    files, findings = load_policies(paths)
    lost = [each for each in findings if each.code in UNREADABLE]
    proposed: dict[str, Source] = {}
    for file in files:
        source = file.source
        if source.name.endswith(YAML_SUFFIXES) and not is_yaml(source.text):
            # A server gets no file names: it tells the form by how the text begins.
            raise click.UsageError(
                f"`{source.name}` does not begin as a policy in YAML: write `policy: …` or `name: …` first"
            )
        if file.name in proposed:
            message = f"there are two policies named `{file.name}`"
            hint = f"the other one is {proposed[file.name].name}; a `policy` statement can give another name"
            lost.append(Diagnostic("CL130", message, place=source.name, hint=hint))
        proposed[file.name] = source
    if lost:
        raise PolicyError(lost)
    return proposed


def by_file(proposed: Mapping[str, Source]) -> Texts:
    """The texts by the names that a server has for them, who knows no files."""
    return {name_of_text(name, source.text): source for name, source in proposed.items()}
