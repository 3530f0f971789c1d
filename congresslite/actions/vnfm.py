"""
What `vnfm` does: lifecycle operations of VNF instances, and the ends of those that failed, by ETSI SOL003.

Effects are over the tables of the shipped definition `vnfm`. What an operation does to tables that nobody can foretell
(where new parts land, what a level means) is left out rather than guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from congresslite.actions.kinds import ActionKind, Parameter

_INSTANCE = (
    "id", "vnf_instance_name", "vnf_instance_description", "vnfd_id", "vnf_provider", "vnf_product_name",
    "vnf_software_version", "vnfd_version", "instantiation_state", "flavour_id", "vnf_state",
)  # fmt: skip
_OCCURRENCE = (
    "id", "vnf_instance_id", "operation", "operation_state", "is_automatic_invocation", "is_cancel_pending",
    "start_time", "state_entered_time", "error",
)  # fmt: skip
_PART = ("vnf_instance_id", "id", "vdu_id", "vnfc_resource_info_id", "vnfc_state")
# What an instance has only as long as it is instantiated.
_OWNED = (
    "vnfc_resources", "vnfc_info", "scale_status", "max_scale_levels", "ext_virtual_links", "ext_link_ports", "ext_cps",
    "virtual_links", "storage_resources",
)  # fmt: skip

_VNF = Parameter("vnf", help="The id of the VNF instance.")
_FLAVOUR = Parameter("flavour", help="The deployment flavour, as the VNFD calls it.")
_LEVEL = Parameter("level", help="The instantiation level, as the VNFD calls it.")
_MAYBE_LEVEL = Parameter("level", required=False, help="The instantiation level; the VNFD's own by default.")
_PROFILE = Parameter("profile", required=False, help="Which profile has the rest of the request.")
_ASPECT = Parameter("aspect", help="The scaling aspect, as the VNFD calls it.")
_STEPS = Parameter("steps", "int", required=False, help="How many steps; 1 by default.")
_TYPE = Parameter("type", required=False, help="GRACEFUL or FORCEFUL.")
_TIMEOUT = Parameter("timeout", "int", required=False, help="The seconds to wait for a graceful end.")
_OCC = Parameter("occurrence", help="The id of an operation that is in FAILED_TEMP.")


def _forms(name: str, *parameters: Parameter, used: Sequence[str]) -> Iterator[str]:
    """The action as it stands in a body, once for each number of terms that it may have; what is not used is `_`."""
    for count in range(sum(each.required for each in parameters), len(parameters) + 1):
        terms = [each.name if each.name in used else "_" for each in parameters[:count]]
        yield f"{{target}}:{name}({', '.join(terms)})"


def _changed(table: str, columns: Sequence[str], key: str, action: str, **changes: str) -> tuple[str, str]:
    """The effects of an action that changes columns of the rows whose `key` column is the action's first term.

    `changes` are terms; other columns stay as they are.
    """
    (of,) = action.partition("(")[2].rstrip(")").split(", ")[:1]
    there = ", ".join(f"{each}={of if each == key else f'c{at}'}" for at, each in enumerate(columns))
    after = ", ".join(f"{each}={changes.get(each, of if each == key else f'c{at}')}" for at, each in enumerate(columns))
    return (
        f"{{source}}:{table}-({key}={of}) :- {action}.",
        f"{{source}}:{table}+({after}) :- {action}, {{source}}:{table}({there}).",
    )


def _instance(name: str, *parameters: Parameter, **changes: str) -> Iterator[str]:
    for form in _forms(name, *parameters, used=("vnf", *changes.values())):
        yield from _changed("vnf_instances", _INSTANCE, "id", form, **changes)


def _terminated(name: str, *parameters: Parameter) -> Iterator[str]:
    changes = {"instantiation_state": '"NOT_INSTANTIATED"', "flavour_id": "null", "vnf_state": "null"}
    yield from _instance(name, *parameters, **changes)
    for form in _forms(name, *parameters, used=("vnf",)):
        yield from (f"{{source}}:{table}-(vnf_instance_id=vnf) :- {form}." for table in _OWNED)


def _scaled(name: str, *parameters: Parameter, sign: str) -> Iterator[str]:
    status = "{source}:scale_status"
    for form in _forms(name, *parameters, used=("vnf", "aspect", "steps")):
        steps = "steps" if "steps" in form else "1"
        before = f"{status}(vnf_instance_id=vnf, aspect_id=aspect, scale_level=before), after = before {sign} {steps}"
        yield f"{status}-(vnf_instance_id=vnf, aspect_id=aspect) :- {form}, {before}, after >= 0."
        after = "vnf_instance_id=vnf, aspect_id=aspect, scale_level=after"
        yield f"{status}+({after}) :- {form}, {before}, after >= 0."


def _healed(name: str, *parameters: Parameter) -> Iterator[str]:
    for form in _forms(name, *parameters, used=("vnf",)):
        yield from _changed("vnfc_info", _PART, "vnf_instance_id", form, vnfc_state='"STARTED"')


def _ended(name: str, state: str) -> tuple[str, ...]:
    (form,) = _forms(name, _OCC, used=("occurrence",))
    return _changed("vnf_lcm_op_occs", _OCCURRENCE, "id", form, operation_state=f'"{state}"')


_INSTANTIATE = (_VNF, _FLAVOUR, _MAYBE_LEVEL, _PROFILE)
_HEAL = (
    _VNF,
    Parameter("cause", required=False, help="Why, for the VNF manager's own record."),
    Parameter("part", required=False, help="The id of the one part to heal (of SOL002); the whole VNF by default."),
)
_TERMINATE = (_VNF, _TYPE, _TIMEOUT)
_SCALE = (_VNF, _ASPECT, _STEPS)

KINDS = (
    ActionKind(
        "instantiate", _INSTANTIATE, "Instantiate a VNF instance that has been made.",
        effects=tuple(
            _instance(
                "instantiate", *_INSTANTIATE, instantiation_state='"INSTANTIATED"', flavour_id="flavour",
                vnf_state='"STARTED"',
            )
        ),
    ),
    ActionKind(
        "scale_out", _SCALE, "Add parts to a VNF, along an aspect.", inverse="scale_in",
        effects=tuple(_scaled("scale_out", *_SCALE, sign="+")),
    ),
    ActionKind(
        "scale_in", _SCALE, "Remove parts from a VNF, along an aspect.", inverse="scale_out",
        effects=tuple(_scaled("scale_in", *_SCALE, sign="-")),
    ),
    ActionKind("scale_to_level", (_VNF, _LEVEL), "Bring a VNF to an instantiation level.", repeatable=True),
    ActionKind(
        "change_flavour", (_VNF, _FLAVOUR, _MAYBE_LEVEL, _PROFILE), "Change the deployment flavour of a VNF.",
        effects=tuple(_instance("change_flavour", *_INSTANTIATE, flavour_id="flavour")),
    ),
    ActionKind("heal", _HEAL, "Mend a VNF, or one part of it.", effects=tuple(_healed("heal", *_HEAL))),
    ActionKind(
        "terminate", _TERMINATE, "Terminate a VNF and give back its resources; the instance itself stays.",
        effects=tuple(_terminated("terminate", *_TERMINATE)),
    ),
    ActionKind(
        "start", (_VNF,), "Start a VNF.", repeatable=True, inverse="stop",
        effects=tuple(_instance("start", _VNF, vnf_state='"STARTED"')),
    ),
    ActionKind(
        "stop", (_VNF, _TYPE, _TIMEOUT), "Stop a VNF.", repeatable=True, inverse="start",
        effects=tuple(_instance("stop", _VNF, _TYPE, _TIMEOUT, vnf_state='"STOPPED"')),
    ),
    ActionKind(
        "change_ext_conn",
        (_VNF, Parameter("links", help="The list `extVirtualLinks` of the request, as JSON.")),
        "Connect a VNF to other external networks.",
        repeatable=True,
    ),
    # Not repeatable: each one runs the operation anew.
    ActionKind("retry", (_OCC,), "Try an operation again that failed.", effects=_ended("retry", "COMPLETED")),
    ActionKind(
        "rollback", (_OCC,), "Undo what an operation did before it failed.", repeatable=True,
        effects=_ended("rollback", "ROLLED_BACK"),
    ),
    ActionKind(
        "fail", (_OCC,), "Give up an operation that failed, and leave things as they are.", repeatable=True,
        effects=_ended("fail", "FAILED"),
    ),
)  # fmt: skip
