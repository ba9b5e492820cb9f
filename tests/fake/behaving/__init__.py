"""The suite of behaviours, by subject; importing this package fills `BEHAVIOURS`."""

from tests.fake.behaving import applying, collecting, creating, deleting, ending, reading, updating, watching

__all__ = ["applying", "collecting", "creating", "deleting", "ending", "reading", "updating", "watching"]
