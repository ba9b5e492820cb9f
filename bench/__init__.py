"""The operator against the raw floor of the same API server, in one run: `python -m bench`."""
