"""
Analysis: what would be, and what follows from the rules alone.

    policies, rows ──▶ trial (an overlay of the engine's latest snapshot, which nobody else sees)
                          ├──▶ impact: violations that come, go and stay, by service and tenant
                          ├──▶ conflicts that come, go and stay
                          ├──▶ commands, against the blast-radius limit        ──▶ verdict ──▶ report
                          └──▶ redundancy, loops: proved, possible, or "not analysed"

`precommit` answers for a change of policies, `simulate` for a sequence of actions and row changes. The rule to keep:
nothing here changes the engine or stores anything, and what was not looked into is said.
"""
