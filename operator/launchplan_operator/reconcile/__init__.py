"""Reconcilers: gather, decide, render, apply; one file per kind."""
