"""
Probes: what is measured from outside, without an agent on what is watched.

A probe asks one thing of one object: does it answer a ping, how long does a connection take, what does its SNMP agent
say. The rule to keep: a probe that could not be run tells nothing of its object, so its state is *unknown*, and nobody
takes it for well.

    settings ──▶ prober (runs one probe) ──measurement──▶ board (latest measurements, states) ──▶ rows
                   ▲
                 schedule (says when)
"""
