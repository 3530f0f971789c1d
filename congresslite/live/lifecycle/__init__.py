"""
Lifecycles in the running estate: the source `lifecycle`, which the engine fills, and what moves objects in it.

    derived tables ──observed──▶ moves ──▶ stages and events ──rules──▶ commands ──▶ outcomes ──▶ moves, recovery
    reports over REST ────────────┘                                                  clock ──▶ cyclic events

The rules to keep: an event is durable before anybody acts upon it, and stays until what it commands is over, so that
none is lost; then it goes, so that no policy that comes later takes it for news. What rests on tables that are not
current moves nothing.
"""
