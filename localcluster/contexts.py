"""Keeps us from touching a cluster that somebody may depend on."""

import re

_PLAYGROUNDS = re.compile(r"kind-.+|minikube|minikube-.+|k3d-.+|localcluster-.+")


def check_context(name: str, force: str) -> str | None:
    """What speaks against using a kubeconfig context; None if nothing does.

    Args:
        name: the context's name.
        force: the text of the variable `FORCE`; "1" allows any context.
    """
    if force == "1" or _PLAYGROUNDS.fullmatch(name):
        return None
    playgrounds = "kind-*, minikube*, k3d-* or localcluster-*"
    return f"the context {name!r} may be production: it is none of {playgrounds}. FORCE=1 uses it anyway."
