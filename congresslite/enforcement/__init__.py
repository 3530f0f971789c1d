"""
Enforcement: commands become actions that are journaled, guarded, run, and followed to their end.

    commands ──▶ planner ──▶ journal ──▶ guards ──▶ runner ──▶ executor ──▶ target
                                ▲                      │
                                └────── outcome ───────┘

The rules to keep: an action is in the journal before it is called, and its outcome after; what cannot be known is
never guessed, it is looked up at its target or held for a person; every call goes through all guards.
"""
