"""Lifecycle operations of VNF managers, by ETSI SOL003: what the executor `vnfm` is made of."""
