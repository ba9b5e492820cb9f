"""Reading an unread Job template: where its containers are, and which names in it are ours.

A template is user data that only the API server validates, so every look tolerates any shape.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: Labels and annotations of this domain, and of its subdomains, are the operator's alone.
OWN_DOMAIN = "launchplan.dev"
#: Environment names that begin so are the operator's alone.
RESERVED_ENV_PREFIXES = ("LP_INPUT_", "LAUNCHPLAN_")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: The volume that carries the inputs as a file, and where it is mounted.
INPUTS_VOLUME = "launchplan-inputs"
INPUTS_DIRECTORY = "/etc/launchplan"
#: The volume that carries secrets as files, and where it is mounted.
SECRETS_VOLUME = "launchplan-secrets"
SECRETS_DIRECTORY = "/etc/launchplan-secrets"


def pod_metadata(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a JobSpec's pod template, empty where there is none."""
    return _mapping(_mapping(job.get("template")).get("metadata"))


def pod_spec(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod spec of a JobSpec, empty where there is none."""
    return _mapping(_mapping(job.get("template")).get("spec"))


def containers(job: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a JobSpec's `containers` or `initContainers` that are objects."""
    return objects(pod_spec(job).get(kind))


def pod_keys(job: Mapping[str, Any], field: str) -> list[str]:
    """Return the sorted keys of a JobSpec's pod `labels` or `annotations`."""
    return sorted(_mapping(pod_metadata(job).get(field)))


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, none where there is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def misshapen(job: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield path, value and expectation of each place that we extend and that is not of the shape it must have.

    Null is absent, as to the API server.
    """
    template = _mapping(job.get("template"))
    mappings = {
        "template": job.get("template"),
        "template.metadata": template.get("metadata"),
        "template.metadata.labels": pod_metadata(job).get("labels"),
        "template.metadata.annotations": pod_metadata(job).get("annotations"),
        "template.spec": template.get("spec"),
        "template.spec.nodeSelector": pod_spec(job).get("nodeSelector"),
    }
    for path, value in mappings.items():
        if not (value is None or isinstance(value, dict)):
            yield path, value, "an object"
    for path, value in _lists(job):
        if not (value is None or isinstance(value, list)) or len(objects(value)) < len(value or ()):
            yield path, value, "a list of objects"


def output_container(job: Mapping[str, Any], name: str | None) -> str | None:
    """Return the name of the container that carries the outputs: the one asked for, else the first; None if absent."""
    names = [str(container.get("name")) for container in containers(job, "containers")]
    if name is None:
        return names[0] if names else None
    return name if name in names else None


def input_env(name: str) -> str:
    """Return the environment name of an input: `maxRows` and `max_rows` are both `LP_INPUT_MAX_ROWS`."""
    return "LP_INPUT_" + _HUMP.sub("_", name).upper()


def is_reserved_env(name: str) -> bool:
    """Tell whether an environment name is one that only the operator may set."""
    return name.startswith(RESERVED_ENV_PREFIXES)


def is_own_key(key: str) -> bool:
    """Tell whether a label or annotation is of our domain, or of one below it."""
    domain, _, _ = key.rpartition("/")
    return domain == OWN_DOMAIN or domain.endswith(f".{OWN_DOMAIN}")


def _lists(job: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in ("volumes", "tolerations"):
        yield f"template.spec.{field}", pod_spec(job).get(field)
    for kind in ("initContainers", "containers"):
        yield f"template.spec.{kind}", pod_spec(job).get(kind)
        for index, container in enumerate(containers(job, kind)):
            for field in ("env", "volumeMounts"):
                yield f"template.spec.{kind}[{index}].{field}", container.get(field)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
