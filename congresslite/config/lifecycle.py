"""The configuration of lifecycles: the stages that there are, and the tables in which they are seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from congresslite.config.section import Section

_TABLE = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"
_Table = Annotated[str, Field(pattern=_TABLE)]


def _by_level(value: object) -> object:
    """A table alone is one of VNFs, and stands for a list of one."""
    levels = value if isinstance(value, Mapping) else {"vnf": value}
    return {level: (each,) if isinstance(each, str) else each for level, each in levels.items()}


def _stage(name: str) -> str:
    if name == "gone":
        raise ValueError("`gone` is what is told of an object that is in no stage any more")
    return name


class LifecycleSettings(Section):
    """Where the stages of objects are seen, and which there are."""

    observe: Annotated[
        Mapping[Literal["vnf", "group", "deployment"], tuple[_Table, ...]], BeforeValidator(_by_level)
    ] = Field(
        default={}, description="For each level of objects, the derived tables (object, stage) that say where one is."
    )
    stages: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_stage)], ...] = Field(
        default=(), description="Stages of your own, beside those that are built in."
    )
