"""The Job of a run: the author's template, kept as it is, with our values beside it.

Values travel as pod annotations and reach the container by the downward API, so templates of one plan differ in
annotations only and no text is ever substituted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.kinds import JOBS
from launchplan_operator.api.settings import Interruptible, RunSettings, SecretUse
from launchplan_operator.api.template import INPUTS_DIRECTORY, INPUTS_VOLUME, SECRETS_DIRECTORY, SECRETS_VOLUME
from launchplan_operator.render import labels
from launchplan_operator.render.environment import annotation, asked_variables, own_variables

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
        settings: what the run gets beside its inputs.
        placement: where the pod may land beyond what the template says, or None.
        retries: how often a failed pod is replaced, or None for the template's own.
        limited: whether the plan has a limit, so that a pod is replaced only after it has ended.
        slot: the scheduled time of a run that we start ourselves, RFC 3339, or None.
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
    settings: RunSettings = field(default_factory=RunSettings)
    placement: Interruptible | None = None
    retries: int | None = None
    limited: bool = False
    slot: str | None = None


def render_job(
    content: JobContent, execution: Mapping[str, Any], origin: str = "Manual", cronjob: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the Job of an execution, named like it.

    It is controlled by the execution; a slot's of a plan with a CronJob by that, which stops firing otherwise.
    """
    namespace, name = execution["metadata"]["namespace"], execution["metadata"]["name"]
    marks = {labels.EXECUTION: name, labels.ORIGIN: origin}
    metadata = render_job_metadata(content)
    metadata["labels"] |= marks
    spec = render_job_spec(content)
    spec["template"]["metadata"]["labels"] |= marks
    references = [labels.owner_reference(execution, controller=cronjob is None)]
    if cronjob is not None:
        references.append(labels.owner_reference(cronjob, controller=True))
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
        "labels": dict(content.settings.labels) | _own_labels(content),
        "annotations": dict(content.settings.annotations)
        | {labels.PLAN_UID: content.launcher_uid, labels.RESULTS: results},
    }


def render_job_spec(content: JobContent) -> dict[str, Any]:
    """Return the author's JobSpec with our labels, annotations, environment and inputs file on its pod template."""
    spec: dict[str, Any] = _copy(content.template)
    spec.pop("ttlSecondsAfterFinished", None)
    if content.settings.timeout is not None:
        spec["activeDeadlineSeconds"] = content.settings.timeout
    if content.retries is not None:
        spec["backoffLimit"] = content.retries
    if content.limited:
        spec["podReplacementPolicy"] = "Failed"
    _cap_parallelism(spec, content.settings.max_parallelism)
    pod = spec["template"] = spec.get("template") or {}
    pod["metadata"], pod["spec"] = pod.get("metadata") or {}, pod.get("spec") or {}
    _add_metadata(pod["metadata"], content)
    _add_values(pod["spec"], content)
    _add_identity(pod["spec"], content.settings)
    if content.placement is not None:
        _add_placement(pod["spec"], content.placement)
    return spec


def _copy(value: Any) -> Any:
    """Return a copy of what was JSON; `copy.deepcopy`, which looks for cycles, takes several times as long."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _own_labels(content: JobContent) -> dict[str, str]:
    key, name = content.launcher
    return {labels.MANAGED_BY: labels.MANAGER, key: name, labels.VERSION: content.version}


def _own_annotations(content: JobContent) -> dict[str, str]:
    values = {labels.INPUT_PREFIX + name: text for name, text in content.inputs.items()}
    values[labels.INPUTS] = content.inputs_json
    if content.settings.max_parallelism is not None:
        values[labels.MAX_PARALLELISM] = str(content.settings.max_parallelism)
    if content.settings.output_prefix is not None:
        values[labels.OUTPUT_PREFIX] = content.settings.output_prefix
    if content.slot is not None:
        values[labels.SLOT] = content.slot
    return values


def _cap_parallelism(spec: dict[str, Any], cap: int | None) -> None:
    """Lower the template's own number; none is one pod at a time, which no cap is below."""
    own = spec.get("parallelism")
    if cap is not None and isinstance(own, int) and own > cap:
        spec["parallelism"] = cap


def _add_metadata(metadata: dict[str, Any], content: JobContent) -> None:
    added = {
        "labels": {**content.settings.pod_labels, **_own_labels(content)},
        "annotations": {**content.settings.pod_annotations, **_own_annotations(content)},
    }
    for each, values in added.items():
        metadata[each] = (metadata.get(each) or {}) | values


def _add_values(pod: dict[str, Any], content: JobContent) -> None:
    item = {"path": _INPUTS_FILE, "fieldRef": annotation(labels.INPUTS)}
    _add_volume(pod, {"name": INPUTS_VOLUME, "downwardAPI": {"items": [item]}}, INPUTS_DIRECTORY)
    asked = asked_variables(content.settings)
    # Ours come first: Kubernetes expands $(VAR) from names above, so all others may refer to them.
    given = [*own_variables(content.inputs, content.launcher[0], content.settings, content.slot), *asked]
    replaced = {variable["name"] for variable in asked}
    for container in _containers(pod):
        kept = [variable for variable in container.get("env") or () if str(variable.get("name")) not in replaced]
        container["env"] = [*given, *kept]
        if container.get("name") == content.container:
            container.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")


def _add_identity(pod: dict[str, Any], settings: RunSettings) -> None:
    if settings.service_account is not None:
        pod["serviceAccountName"] = settings.service_account
    files = [_secret_file(use) for use in settings.secrets if use.file is not None]
    if files:
        _add_volume(pod, {"name": SECRETS_VOLUME, "projected": {"sources": files}}, SECRETS_DIRECTORY)


def _secret_file(use: SecretUse) -> dict[str, Any]:
    return {"secret": {"name": use.name, "items": [{"key": use.key, "path": use.file}]}}


def _add_placement(pod: dict[str, Any], placement: Interruptible) -> None:
    pod["nodeSelector"] = {**(pod.get("nodeSelector") or {}), **placement.node_selector}
    pod["tolerations"] = [*(pod.get("tolerations") or ()), *map(_copy, placement.tolerations)]


def _add_volume(pod: dict[str, Any], volume: dict[str, Any], directory: str) -> None:
    pod["volumes"] = [*(pod.get("volumes") or ()), volume]
    mount = {"name": volume["name"], "mountPath": directory, "readOnly": True}
    for container in _containers(pod):
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), dict(mount)]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
