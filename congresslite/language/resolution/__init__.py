"""Syntax to program: what names stand for, of what types, in which order tables depend on each other."""
