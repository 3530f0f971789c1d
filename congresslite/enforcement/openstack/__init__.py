"""
Acting on OpenStack: what is asked of Nova and Cinder, and what is known of it afterwards.

The rule to keep: Nova's own record of what was asked of a server (`os-instance-actions`), and the key that a volume
carries, say what was done; the state alone says so only where it could not have come about otherwise.
"""
