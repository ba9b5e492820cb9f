"""Executions that a person asks for: their names, their manifests, and the one way in which they are created."""

import os
from collections.abc import Mapping
from typing import Any, Final

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.cli.cluster import Cluster, accepted
from launchplan_operator.cli.problems import Problem
from launchplan_operator.kube.client import Unavailable
from launchplan_operator.kube.transport import Object

#: As the API server's own generated names: nothing that looks like another, no vowel, so no word.
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX: Final = 5
_ATTEMPTS: Final = 5


def request_name(launcher: str, noise: bytes) -> str:
    """Return `<launcher>-<five characters>`; never the name of a slot, which ends in a dash and seven to nine digits."""
    return f"{launcher}-" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in noise[:_SUFFIX])


def build_request(cluster: Cluster, launcher: str, spec: Mapping[str, Any]) -> Object:
    """Return the manifest of an execution, under a name of its own."""
    return {
        "apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version,
        "kind": LAUNCH_PLAN_EXECUTIONS.kind,
        "metadata": {"name": request_name(launcher, os.urandom(_SUFFIX)), "namespace": cluster.namespace},
        "spec": dict(spec),
    }


async def try_request(cluster: Cluster, request: Object) -> None:
    """Let the API server check an execution without creating it.

    Raises:
        Problem: it refuses it.
    """
    accepted(await cluster.client.create(LAUNCH_PLAN_EXECUTIONS, request, dry_run=True, strict=True))


async def create_request(cluster: Cluster, launcher: str, request: Object) -> Object:
    """Create an execution once, also where the answer gets lost; returns it as created.

    Raises:
        Problem: the server refuses it, or it is not known whether it took it.
    """
    for _ in range(_ATTEMPTS):
        try:
            reply = await cluster.client.create(LAUNCH_PLAN_EXECUTIONS, request, strict=True)
        except Unavailable as error:
            return await _find_lost(cluster, request, error)
        if not reply.exists:
            return accepted(reply)
        request["metadata"]["name"] = request_name(launcher, os.urandom(_SUFFIX))
    return accepted(reply)


async def _find_lost(cluster: Cluster, request: Object, error: Unavailable) -> Object:
    """The answer got lost: the name, which is ours alone, tells whether the server did the work."""
    name = request["metadata"]["name"]
    try:
        found = await cluster.client.get(LAUNCH_PLAN_EXECUTIONS, cluster.namespace, name)
    except Unavailable:
        hint = f"see: kubectl get lpx {name}"
        raise Problem(f"it is not known whether {name} was created: {error}", hint=hint) from None
    if found is None:
        raise error
    return found
