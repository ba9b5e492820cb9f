"""The only I/O of the operator: client, caches, watches, work queue, events."""
