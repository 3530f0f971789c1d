"""
The search for proofs of minimal height.

Heights are found backwards and forwards at once. Backwards, goals are expanded
in the order of their distance from the root: what is `d` steps away can only
matter if its height is at most the root's, less `d`. Forwards, whenever a goal
becomes known to have a proof of some height, so do those that use it, lowest
first. The search ends with the first distance that cannot matter any more.

Then the heights of all goals in the root's proof are exact too, and so are
those of all rivals of equal height: a goal of height `h` at distance `d`
rests on goals of height `h - j` at distance `d + j`, and `d + h` is at most the
root's height, so that all of them have been expanded. Hence the least binding
among the lowest is the same, whatever was asked first.

The work is bounded: at most `width` bindings of one way are looked at, and
after `patience` questions the best proof so far is taken. Only if there is no
proof among what was looked at is more of it looked at: a row that was derived
is proved in the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from congresslite.engine.explanation.expansion import Expander
from congresslite.engine.explanation.goals import Goal, Group, Option, premises_of

WIDTH = 1_000
PATIENCE = 5_000


class Search:
    """Settles goals: gives each the option that proves it best."""

    def __init__(self, expander: Expander, width: int = WIDTH, patience: int = PATIENCE) -> None:
        self._expander = expander
        self._width = width
        self._patience = patience

    def settle(self, goal: Goal) -> None:
        """Find the goal's proof of minimal height, and that of all goals which it rests on and whose height varies."""
        if goal.settled:
            return
        if goal.given:
            goal.settled = True
            return
        width = self._width
        complete, met = self._explore(goal, width)
        while not _options(goal):
            # Everything that was looked at rests on something that was not.
            cut = [each for each in met if each.truncated]
            assert cut or not complete, f"{goal.table}{goal.row} is derived, but by no rule"
            width *= 10
            for each in cut:
                each.looked_at = 0
            complete, met = self._explore(goal, width)
        self._choose(goal, complete)

    def _explore(self, root: Goal, width: int) -> tuple[bool, list[Goal]]:
        """Expand what may matter, and give all goals that were met; False if some of it was not looked at."""
        met = {root: 0}
        queue = deque([root])
        complete = True
        stop = self._expander.asked + self._patience
        while queue:
            goal = queue.popleft()
            limit = root.heights.high if root.best is None else root.best
            if met[goal] + goal.heights.low > limit:
                continue
            if self._expander.asked > stop and _options(root):
                complete = False
                break
            if not goal.looked_at:
                self._expand(goal, width)
            # What only breaks ties among options of equal height needs no heights of its own.
            complete &= not goal.truncated or goal.heights.certain
            for option in goal.options:
                for premise in premises_of(option):
                    if premise not in met and not premise.heights.certain and not premise.given:
                        met[premise] = met[goal] + 1
                        queue.append(premise)
        return complete, list(met)

    def _expand(self, goal: Goal, width: int) -> None:
        self._expander.expand(goal, width)
        self._spread(goal.options)

    def _spread(self, options: Iterable[Option | Group]) -> None:
        """Tell owners of what their options prove, and users of what their premises can do, lowest first."""
        heap: list[tuple[int, int, Goal]] = []
        count = 0
        waiting = list(options)
        while waiting or heap:
            for option in waiting:
                height, owner = option.height(), option.owner
                assert isinstance(owner, Goal)
                if height is None or owner.settled or (owner.best is not None and owner.best <= height):
                    continue
                owner.best = height
                count += 1
                heappush(heap, (height, count, owner))
            waiting = []
            if heap:
                height, _, goal = heappop(heap)
                # Whoever was improved again since then is on the heap again.
                waiting = goal.users if goal.best == height else []

    def _choose(self, root: Goal, complete: bool) -> None:
        """Settle the goals of the root's proof as far as their heights were to be found out."""
        todo = [root]
        while todo:
            goal = todo.pop()
            if goal.settled:
                continue
            goal.settled = True
            if goal.given:
                continue
            if not _options(goal):  # its height is certain, and so nobody has asked for more yet
                goal.settled = False
                continue
            goal.chosen = min(_options(goal), key=lambda option: option.rank())
            goal.complete = not goal.truncated and (complete or goal.heights.certain)
            todo += premises_of(goal.chosen)


def _options(goal: Goal) -> list[Option | Group]:
    """The options of the least height."""
    return [option for option in goal.options if option.height() == goal.best] if goal.best is not None else []
