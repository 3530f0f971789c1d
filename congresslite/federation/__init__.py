"""
Federation: engines in tiers, a parent above and children below, that tell each other what they hold.

    core ──changes──▶ published ──deltas──▶ Publisher ──numbered messages──▶ bus ──▶ Subscriber ──▶ received ──▶ core

One link is two streams, up and down, and each of them replicates named relations: sets of rows that come and go. Up go
an engine's policies, the rows of its modal rules, the tables that it publishes, its violations and conflicts, what it
can offer and how fresh all that is; an engine in the middle passes on what comes from below. Down go the policies of
the tiers below. Questions (an explanation, a check) are asked and answered beside the streams.

The rules to keep: `replica` knows no clock, no thread and no network, so that every fault can be tried in memory; a
message that comes twice, late or never changes nothing but how long it takes; an engine whose parent is away goes on
alone, and what a silent child said is undetermined, never gone.
"""
