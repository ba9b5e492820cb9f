"""Kubeconfig files, written as JSON (which is YAML)."""

import base64
import json
from pathlib import Path


def write_kubeconfig(path: Path, *, context: str, url: str, ca: Path, token: str) -> Path:
    """Write a kubeconfig with one context, readable by its owner only; returns `path`."""
    authority = base64.b64encode(ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2))
    return path


def read_kubeconfig(path: Path) -> tuple[str, str, str]:
    """The URL, the certificate authority (PEM) and the token in a kubeconfig that `write_kubeconfig` wrote."""
    config = json.loads(path.read_text())
    cluster = config["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return str(cluster["server"]), authority, str(config["users"][0]["user"]["token"])
