"""The suite of scripts, by subject; importing this package fills `SCRIPTS`."""

from tests.fake.controlling import deadlines, deleting, firing, history, lingering, naming, owning, suspending

__all__ = ["deadlines", "deleting", "firing", "history", "lingering", "naming", "owning", "suspending"]
