"""What outlives the process: policies, sources, violations with their history, waivers, pushed rows, the audit."""
