"""
The container: programs of the user's, run as if they were hostile, and told of truthfully whatever dies meanwhile.

    executor ──▶ runs ──▶ supervisor (a process of its own) ──▶ the program and all that it starts
                  ▲                      │
                  └──── result.json ─────┘

The supervisor outlives whoever started it, ends what it watches, and writes down durably what became of it. The rule to
keep: what runs in the supervisor's process (`supervisor`, `task`, `tree`, `output`) imports the standard library alone,
so that it starts in a moment; and nothing is started before its folder is there.
"""
