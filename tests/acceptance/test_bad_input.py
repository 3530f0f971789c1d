"""What goes wrong in practice, through the command line: each told as a finding with code, place and exit code."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from congresslite.bench.child import Ended, congresslite

POLICY_IS_WRONG, CANNOT_LOOK = 1, 2
READS_VMS = "error(vm) :- inv:vm(id=vm, cpus=n), n > 4.\n"
VMS = "id,cpus\nvm1,2\nvm2,8\n"


@dataclass(frozen=True)
class Case:
    """A policy `p.dl`, the files of the source `inv`, and what is told: a code, at a place, with an exit code."""

    code: str
    place: str
    exit_code: int = CANNOT_LOOK
    policy: str = READS_VMS
    files: dict[str, str | bytes] = field(default_factory=lambda: {"vm.csv": VMS})
    says: str = ""


def policy_case(code: str, place: str, policy: str, says: str) -> Case:
    """A policy that is wrong, over tables that are not."""
    return Case(code, place, POLICY_IS_WRONG, policy, says=says)


NUMBERS = "n\n" + "\n".join(map(str, range(1_000_000))) + "\n"

CASES = {
    "half a CSV row": Case("CL405", "data/inv/vm.csv:3", files={"vm.csv": "id,cpus\nvm1,2\nvm2"}, says="1 field"),
    "half a quoted value": Case("CL417", "data/inv/vm.csv:3", files={"vm.csv": 'id,cpus\nvm1,2\n"vm2'}, says="never"),
    "no UTF-8": Case("CL403", "data/inv/vm.csv:2", files={"vm.csv": "id,cpus\nM\xfcnchen,2\n".encode("latin-1")}),
    "an empty file": Case("CL404", "data/inv/vm.csv", files={"vm.csv": ""}),
    "half a JSON document": Case("CL408", "data/inv/vm.json:1", files={"vm.json": '[{"id": "vm1", "cpus": 2}, {"id'}),
    "a column of mixed types": Case(
        "CL410",
        "data/inv/vm.json:1",
        files={"vm.json": '[{"id": "vm1", "cpus": 2}, {"id": "vm2", "cpus": "many"}]'},
        says="column `cpus`",
    ),
    "a table in no file": Case(
        "CL416", "data/inv", files={"_schema.yaml": "vm: {columns: {id: str, cpus: int}}\n"}, says="`inv:vm`"
    ),
    "a product of a million and a million": Case(
        "CL501",
        "p.dl:1:1",
        policy="error(a, b) :- inv:number(a), inv:number(b).\n",
        files={"number.csv": NUMBERS},
        says="error(a, b) :- inv:number(a), inv:number(b).",
    ),
    "endless recursion": Case(
        "CL502", "p.dl:2:1", policy="c(0).\nc(y) :- c(x), y = x + 1.\n", says="c(y) :- c(x), y = x + 1."
    ),
    "a table that no source has": policy_case(
        "CL101", "p.dl:1:14", "error(vm) :- inv:vms(id=vm).\n", says="did you mean `vm`?"
    ),
    "a source that is not there": policy_case("CL102", "p.dl:1:14", "error(vm) :- inw:vm(id=vm).\n", says="`inw`"),
    "an unsafe rule": policy_case("CL201", "p.dl:1:11", "error(vm, host) :- inv:vm(id=vm).\n", says="`host`"),
    "a cycle through negation": policy_case(
        "CL210",
        "p.dl:1:25",
        "idle(vm) :- inv:vm(vm), not busy(vm).\nbusy(vm) :- inv:vm(vm), not idle(vm).\n",
        says="`p:idle` → `p:busy` → `p:idle`",
    ),
    "text that is no policy": policy_case("CL030", "p.dl:1:8", "select * from vm;\n", says="select * from vm;"),
}


def check(folder: Path, case: Case) -> Ended:
    """Check the case's policy over its files, in a folder of their own."""
    (folder / "p.dl").write_text(case.policy, encoding="utf-8")
    inventory = folder / "data" / "inv"
    inventory.mkdir(parents=True, exist_ok=True)
    for name, content in case.files.items():
        (inventory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return congresslite("check", "p.dl", "--data", "data", folder=folder)


def assert_told(ended: Ended, case: Case) -> None:
    """The finding stands first on stderr; nobody is shown a traceback, or answers that are not complete."""
    assert f"error[{case.code}]" in ended.stderr
    assert ended.stderr.startswith(case.place)
    assert case.says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "internal error" not in ended.stderr
    assert ended.stdout == ""
    assert ended.code == case.exit_code


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_told(case: Case, tmp_path: Path) -> None:
    """Whatever is wrong is told with code and place: exit code 1 for a policy, 2 for what cannot be looked at."""
    assert_told(check(tmp_path, case), case)


def unreachable(file: Path) -> None:
    """Replace a file by a link to nowhere."""
    file.symlink_to(file.with_name("nowhere"))


def folder(file: Path) -> None:
    """Replace a file by a folder."""
    file.mkdir()


def forbidden(file: Path) -> None:
    """Take away the permission to read a file."""
    file.write_text(VMS, encoding="utf-8")
    file.chmod(0)
    try:
        file.read_bytes()
    except PermissionError:
        return
    pytest.skip("this user may read anything")


@pytest.mark.parametrize("spoil", [unreachable, folder, forbidden])
def test_unreadable_file(spoil, tmp_path: Path) -> None:
    """A file that cannot be read is told as such, never taken as an empty table."""
    (tmp_path / "data" / "inv").mkdir(parents=True)
    spoil(tmp_path / "data" / "inv" / "vm.csv")
    case = Case("CL402", "data/inv/vm.csv", files={}, says="cannot be read")
    assert_told(check(tmp_path, case), case)


def test_folder_without_tables(tmp_path: Path) -> None:
    """A folder that holds no tables is a mistake, not an estate without faults."""
    (tmp_path / "data").mkdir()
    (tmp_path / "p.dl").write_text(READS_VMS, encoding="utf-8")
    ended = congresslite("check", "p.dl", "--data", "data", folder=tmp_path)
    assert_told(ended, Case("CL401", "data", says="data"))


@pytest.mark.parametrize(
    "arguments",
    [("p.dl", "--data", "missing"), ("missing", "--data", "data"), ("p.dl",)],
    ids=["folder of tables", "policy", "nothing named"],
)
def test_missing_path(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A path on the command line that leads nowhere is a mistake in using it: exit code 2, and the path is named."""
    (tmp_path / "p.dl").write_text(READS_VMS, encoding="utf-8")
    (tmp_path / "data").mkdir()
    ended = congresslite("check", *arguments, folder=tmp_path)
    assert (ended.code, ended.stdout) == (2, "")
    assert ("missing" if "missing" in arguments else "inventory") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_product_is_refused_before_it_is_made(tmp_path: Path) -> None:
    """What would not fit is refused while memory is still free."""
    ended = check(tmp_path, CASES["a product of a million and a million"])
    # What whoever starts a process holds counts as the process's own, and the tests hold much.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert ended.peak_bytes < 500_000_000 + ours
