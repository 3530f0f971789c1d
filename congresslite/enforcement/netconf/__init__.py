"""Edits of devices by NETCONF: what the executor `netconf` is made of."""
