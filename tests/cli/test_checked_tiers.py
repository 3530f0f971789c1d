"""What a person reads of what engines below found."""

from __future__ import annotations

import io

from congresslite.analysis.documents import report_document
from congresslite.analysis.precommit import Context, Elsewhere, precommit, with_tiers
from congresslite.cli.formats.checked import write_text
from congresslite.cli.settings import Settings
from tests.analysis.estate import OWNERS, SLOW, engine, policy

HERE = policy("slow", "t(1).", tier='"pop"')


def test_what_engines_below_found_is_told() -> None:
    """The policy that they check is named, and so is each object that they find, unless it cannot be understood."""
    acting = policy("acting", '@id("stop") execute[nova:stop(v)] :- inv:vm(id=v, host="h2").')
    denying = policy("denying", '@id("no") deny[nova:stop(v)] :- inv:vm(id=v).', priority="1")
    below = report_document(precommit(engine(acting), [SLOW, denying], context=Context(owners=OWNERS)))
    report = precommit(engine(), context=Context(elsewhere=Elsewhere([], [HERE])))
    silent = {"verdict": "needs_decision", "reasons": [{"message": "`lyon` is silent"}]}
    told = with_tiers(report, {"malmo": below, "lyon": silent, "odd": {"verdict": "ok", "violations": 5}})
    out = io.StringIO()
    write_text(report_document(told), out, Settings(color=False))
    lines = out.getvalue().splitlines()
    assert lines[0] == "needs a decision: slow (added, warn)"
    for line in (
        "    Violations: 4 new, 0 resolved, 0 unchanged",
        "        + error medium  vm = ims-a, h = h1  slow/hdd",
        "      new modality of ims-b: denying/no wins, since its priority is higher",
        '          inv:vm(id="ims-b", vnf="ims", host="h2")',
        "  lyon: needs a decision  `lyon` is silent",
        "    what it found is told in words that are not understood here",
    ):
        assert line in lines
