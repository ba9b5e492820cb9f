"""A real Kubernetes on this machine, from one command: `python3 -m localcluster up`.

Standard library only: it runs before any virtual environment exists.
"""
