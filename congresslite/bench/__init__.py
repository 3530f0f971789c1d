"""
The benchmark: one workload, made by size and seed, asked of congresslite and of its peers in one run.

The rules to keep: whatever is compared runs on one machine in one run, each
subject in a process of its own, by turns; answers are compared before times
are; a missed target is told and raises nothing.
"""
