"""Manifests as plain dicts: one file per child kind, no I/O, no clock."""
