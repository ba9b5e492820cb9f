"""The environment of a run's containers: our variables, what plan and run ask for, and the author's own."""

from collections.abc import Iterable, Mapping
from typing import Any

from launchplan_operator.api.settings import RunSettings
from launchplan_operator.api.template import input_env
from launchplan_operator.render import labels

_OUTPUT_BASE = "LAUNCHPLAN_RAW_OUTPUT_BASE"
#: Composed by Kubernetes in the container, so that one template serves every run.
_OUTPUT_PREFIX = f"$({_OUTPUT_BASE})/$(LAUNCHPLAN_NAMESPACE)/$(LAUNCHPLAN_EXECUTION)"

Variable = dict[str, Any]


def own_variables(
    inputs: Iterable[str], launcher: str, settings: RunSettings, slot: str | None = None
) -> list[Variable]:
    """Return our variables; `launcher` is the label that names the plan or the bare workflow, `slot` a slot's time."""
    references = {input_env(name): annotation(labels.INPUT_PREFIX + name) for name in inputs}
    references |= {
        "LAUNCHPLAN_INPUTS": annotation(labels.INPUTS),
        "LAUNCHPLAN_NAME": _label(launcher),
        "LAUNCHPLAN_VERSION": _label(labels.VERSION),
        "LAUNCHPLAN_EXECUTION": _label(labels.JOB_NAME),
        "LAUNCHPLAN_NAMESPACE": {"fieldPath": "metadata.namespace"},
    }
    if settings.max_parallelism is not None:
        references["LAUNCHPLAN_MAX_PARALLELISM"] = annotation(labels.MAX_PARALLELISM)
    if slot is not None:
        references["LAUNCHPLAN_SCHEDULED_TIME"] = annotation(labels.SLOT)
    if settings.output_prefix is None:
        return _referring(references)
    references[_OUTPUT_BASE] = annotation(labels.OUTPUT_PREFIX)
    return [*_referring(references), {"name": "LAUNCHPLAN_RAW_OUTPUT_PREFIX", "value": _OUTPUT_PREFIX}]


def asked_variables(settings: RunSettings) -> list[Variable]:
    """Return the variables that plan or run ask for, secrets first; a secret takes the place of a value of its name."""
    secrets = [
        {"name": use.env, "valueFrom": {"secretKeyRef": {"name": use.name, "key": use.key}}}
        for use in settings.secrets
        if use.env is not None
    ]
    taken = {secret["name"] for secret in secrets}
    return [*secrets, *({"name": var.name, "value": var.value} for var in settings.env if var.name not in taken)]


def annotation(key: str) -> dict[str, str]:
    """Return the downward API's reference to an annotation of the pod."""
    return {"fieldPath": f"metadata.annotations['{key}']"}


def _label(key: str) -> dict[str, str]:
    return {"fieldPath": f"metadata.labels['{key}']"}


def _referring(references: Mapping[str, dict[str, str]]) -> list[Variable]:
    return [{"name": name, "valueFrom": {"fieldRef": reference}} for name, reference in references.items()]
