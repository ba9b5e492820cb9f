"""The Job of a run: the author's template, kept as it is, with our values beside it.

Values travel as pod annotations and reach the container by the downward API, so templates of one plan differ in
annotations only and no text is ever substituted.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.kinds import JOBS
from launchplan_operator.api.template import INPUTS_DIRECTORY, INPUTS_VOLUME, input_env
from launchplan_operator.render import labels

_INPUTS_FILE = "inputs.json"


@dataclass(frozen=True, slots=True)
class JobContent:
    """What a run's Job is made of, whoever starts it.

    Attributes:
        template: the workflow's JobSpec, as its author wrote it.
        launcher: the label that names the plan or the bare workflow, as (key, name).
        version: the plan's, or the bare workflow's, version.
        launcher_uid: the uid of that plan or workflow.
        workflow: the name and version of the workflow that runs.
        inputs: each declared input's text form, in declared order.
        inputs_json: all inputs as canonical JSON.
        container: the name of the container that carries the outputs.
        outputs: each declared output's type text.
        labels: the plan's and the run's labels, for the Job.
        annotations: the plan's and the run's annotations, for the Job.
        timeout: whole seconds, or None for the template's own.
        retries: how often a failed pod is replaced, or None for the template's own.
    """

    template: Mapping[str, Any]
    launcher: tuple[str, str]
    version: str
    launcher_uid: str
    workflow: tuple[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    inputs_json: str = "{}"
    container: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    timeout: int | None = None
    retries: int | None = None


def render_job(content: JobContent, namespace: str, name: str, execution: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Job of an execution, controlled by it and named like it."""
    metadata = render_job_metadata(content)
    metadata["labels"] |= {labels.EXECUTION: name, labels.ORIGIN: "Manual"}
    spec = render_job_spec(content)
    spec["template"]["metadata"]["labels"] |= {labels.EXECUTION: name, labels.ORIGIN: "Manual"}
    references = [labels.owner_reference(execution, controller=True)]
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": metadata | {"name": name, "namespace": namespace, "ownerReferences": references},
        "spec": spec,
    }


def render_job_metadata(content: JobContent) -> dict[str, Any]:
    """Return labels and annotations of a run's Job that do not depend on the run."""
    name, version = content.workflow
    workflow = {"name": name, "version": version}
    results = canonical_json({"container": content.container, "outputs": dict(content.outputs), "workflow": workflow})
    return {
        "labels": dict(content.labels) | _own_labels(content),
        "annotations": dict(content.annotations) | {labels.PLAN_UID: content.launcher_uid, labels.RESULTS: results},
    }


def render_job_spec(content: JobContent) -> dict[str, Any]:
    """Return the author's JobSpec with our labels, annotations, environment and inputs file on its pod template."""
    spec = deepcopy(dict(content.template))
    spec.pop("ttlSecondsAfterFinished", None)
    if content.timeout is not None:
        spec["activeDeadlineSeconds"] = content.timeout
    if content.retries is not None:
        spec["backoffLimit"] = content.retries
    pod = spec["template"] = spec.get("template") or {}
    pod["metadata"], pod["spec"] = pod.get("metadata") or {}, pod.get("spec") or {}
    _add_metadata(pod["metadata"], content)
    _add_values(pod["spec"], content)
    return spec


def _own_labels(content: JobContent) -> dict[str, str]:
    key, name = content.launcher
    return {labels.MANAGED_BY: labels.MANAGER, key: name, labels.VERSION: content.version}


def _add_metadata(metadata: dict[str, Any], content: JobContent) -> None:
    values = {labels.INPUT_PREFIX + name: text for name, text in content.inputs.items()}
    metadata["labels"] = (metadata.get("labels") or {}) | _own_labels(content)
    metadata["annotations"] = (metadata.get("annotations") or {}) | values | {labels.INPUTS: content.inputs_json}


def _add_values(pod: dict[str, Any], content: JobContent) -> None:
    item = {"path": _INPUTS_FILE, "fieldRef": _annotation(labels.INPUTS)}
    pod["volumes"] = [*(pod.get("volumes") or ()), {"name": INPUTS_VOLUME, "downwardAPI": {"items": [item]}}]
    env = _environment(content)
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        # Ours come first: Kubernetes expands $(VAR) from names above, so the author's own may refer to them.
        container["env"] = [*env, *(container.get("env") or ())]
        mount = {"name": INPUTS_VOLUME, "mountPath": INPUTS_DIRECTORY, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
        if container.get("name") == content.container:
            container.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")


def _environment(content: JobContent) -> list[dict[str, Any]]:
    references = {input_env(name): _annotation(labels.INPUT_PREFIX + name) for name in content.inputs}
    references |= {
        "LAUNCHPLAN_INPUTS": _annotation(labels.INPUTS),
        "LAUNCHPLAN_NAME": _label(content.launcher[0]),
        "LAUNCHPLAN_VERSION": _label(labels.VERSION),
        "LAUNCHPLAN_EXECUTION": _label(labels.JOB_NAME),
        "LAUNCHPLAN_NAMESPACE": {"fieldPath": "metadata.namespace"},
    }
    return [{"name": name, "valueFrom": {"fieldRef": reference}} for name, reference in references.items()]


def _annotation(key: str) -> dict[str, str]:
    return {"fieldPath": f"metadata.annotations['{key}']"}


def _label(key: str) -> dict[str, str]:
    return {"fieldPath": f"metadata.labels['{key}']"}


def render_slot_job(cronjob: Mapping[str, Any], name: str, slot: str) -> dict[str, Any]:
    """Return the Job of a slot that the CronJob will not start itself, as its controller would have made it.

    Controlled by the CronJob: the controller adopts it, and the shared name refuses a second one.
    """
    template = deepcopy(cronjob["spec"]["jobTemplate"])
    metadata = template["metadata"]
    metadata["annotations"] = (metadata.get("annotations") or {}) | {labels.CRONJOB_SLOT: slot}
    references = [labels.owner_reference(cronjob, controller=True)]
    metadata |= {"name": name, "namespace": cronjob["metadata"]["namespace"], "ownerReferences": references}
    return {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": metadata, "spec": template["spec"]}
