"""Decisions: pure functions of what is there and of now, each with its table of cases."""
