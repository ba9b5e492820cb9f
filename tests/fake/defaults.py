"""What the API server fills into and refuses in the built-in kinds that the operator uses."""

import re
from collections.abc import Iterator
from typing import Any

from tests.fake.jobrules import check_status
from tests.fake.store import copy
from tests.fake.tally import condition

Object = dict[str, Any]

_MUTABLE_WHILE_SUSPENDED = ("nodeSelector", "tolerations", "schedulingGates", "affinity")
_IMMUTABLE_JOB_FIELDS = (
    "selector",
    "completionMode",
    "completions",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
)
_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")


def fill_pod(spec: Object, restart_policy: str = "Always") -> None:
    """Set the defaults of a pod spec."""
    defaults = {
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }
    _fill(spec, defaults)
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        _fill_container(container)
    for volume in spec.get("volumes", ()):
        _fill_volume(volume)


def _fill_container(container: Object) -> None:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    defaults = {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always" if tag in ("", "latest") and "@" not in image else "IfNotPresent",
    }
    _fill(container, defaults)
    for env in container.get("env", ()):
        field = (env.get("valueFrom") or {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")


def _fill_volume(volume: Object) -> None:
    for source in ("downwardAPI", "configMap", "secret"):
        if source in volume:
            volume[source].setdefault("defaultMode", 420)
    for item in (volume.get("downwardAPI") or {}).get("items", ()):
        if "fieldRef" in item:
            item["fieldRef"].setdefault("apiVersion", "v1")


def prepare_pod(pod: Object, old: Object | None) -> None:
    """Fill a pod; a new one is pending."""
    fill_pod(pod.setdefault("spec", {}))
    if old is None:
        pod["status"] = {"phase": "Pending", "qosClass": "BestEffort"}


def prepare_job(job: Object, old: Object | None) -> None:
    """Fill a Job; a new one gets its selector and the labels that its pods are found by."""
    spec = job.setdefault("spec", {})
    defaults = {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "manualSelector": False,
        "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed",
        "suspend": False,
    }
    if "parallelism" not in spec and "completions" not in spec:
        spec["completions"] = 1
    _fill(spec, defaults)
    if spec["parallelism"] is None or "completions" in spec:
        _fill(spec, {"parallelism": 1})
    if "template" not in spec:
        return
    fill_pod(spec["template"].setdefault("spec", {}))
    if old is None:
        _generate_selector(job)
        job["status"] = {}


def _generate_selector(job: Object) -> None:
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    meta = job["spec"]["template"].setdefault("metadata", {})
    labels = meta.setdefault("labels", {})
    _fill(labels, {prefix + "job-name": name for prefix in ("", "batch.kubernetes.io/")})
    _fill(labels, {prefix + "controller-uid": uid for prefix in ("", "batch.kubernetes.io/")})
    job["spec"].setdefault("selector", {}).setdefault("matchLabels", {})["batch.kubernetes.io/controller-uid"] = uid


def prepare_cron_job(cron_job: Object, old: Object | None) -> None:
    """Fill a CronJob and its templates."""
    spec = cron_job.setdefault("spec", {})
    defaults = {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    _fill(spec, defaults)
    job = spec.setdefault("jobTemplate", {})
    template = job.setdefault("spec", {}).setdefault("template", {})
    job.setdefault("metadata", {})
    template.setdefault("metadata", {})
    fill_pod(template.setdefault("spec", {}))
    if old is None:
        cron_job["status"] = {}


def _fill(target: Object, defaults: Object) -> None:
    for key, value in defaults.items():
        target.setdefault(key, value)


def check_pod_template(template: Object | None, path: str) -> Iterator[str]:
    """Findings about the template of a Job."""
    spec = (template or {}).get("spec") or {}
    if not spec.get("containers"):
        yield f"{path}.spec.containers: Required value"
    for index, container in enumerate(spec.get("containers", ())):
        if not _DNS_LABEL.match(container.get("name", "")):
            yield f'{path}.spec.containers[{index}].name: Invalid value: "{container.get("name", "")}"'
        if not container.get("image"):
            yield f"{path}.spec.containers[{index}].image: Required value"
    policy = spec.get("restartPolicy", "Always")
    if policy not in ("OnFailure", "Never"):
        valid = 'valid values: "OnFailure", "Never"'
        yield f"{path}.spec.restartPolicy: Required value: {valid}"


def check_pod(pod: Object, old: Object | None) -> Iterator[str]:
    """Findings about a pod; of an existing one nearly nothing may change."""
    if not pod["spec"].get("containers"):
        yield "spec.containers: Required value"
    if old is not None and _without(pod["spec"], "tolerations") != _without(old["spec"], "tolerations"):
        yield "spec: Forbidden: pod updates may not change fields other than `spec.tolerations`"


def check_job(job: Object, old: Object | None) -> Iterator[str]:
    """Findings about a Job; most of its spec is immutable."""
    spec = job["spec"]
    yield from check_pod_template(spec.get("template"), "spec.template")
    for field in ("activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "parallelism", "completions"):
        if spec.get(field, 0) < 0:
            yield f"spec.{field}: Invalid value: {spec[field]}: must be greater than or equal to 0"
    if old is None:
        return
    for field in _IMMUTABLE_JOB_FIELDS:
        if spec.get(field) != old["spec"].get(field):
            yield f"spec.{field}: Invalid value: {spec.get(field)}: field is immutable"
    if _frozen_template(spec["template"], old) != _frozen_template(old["spec"]["template"], old):
        yield "spec.template: Invalid value: {}: field is immutable"
    yield from check_status(job, old)


def _frozen_template(template: Object, old: Object) -> Object:
    """The part of a template that may not change: all of it, unless the Job is suspended and has no pod."""
    status = old["status"]
    rests = "startTime" not in status or condition(old, "Suspended") is not None
    if not old["spec"].get("suspend") or not rests or status.get("active"):
        return template
    frozen = copy(template)
    for field in ("labels", "annotations"):
        frozen.get("metadata", {}).pop(field, None)
    frozen["spec"] = _without(frozen["spec"], *_MUTABLE_WHILE_SUSPENDED)
    return {"spec": frozen["spec"]}


def _without(spec: Object, *fields: str) -> Object:
    return {key: value for key, value in spec.items() if key not in fields}


def check_cron_job(cron_job: Object, old: Object | None) -> Iterator[str]:
    """Findings about a CronJob."""
    spec, name = cron_job["spec"], cron_job["metadata"]["name"]
    if old is None and len(name) > 52:
        yield f'metadata.name: Invalid value: "{name}": must be no more than 52 characters'
    if not spec.get("schedule"):
        yield "spec.schedule: Required value"
    elif "TZ" in spec["schedule"]:
        yield f'spec.schedule: Invalid value: "{spec["schedule"]}": cannot use TZ or CRON_TZ in schedule'
    yield from check_pod_template(spec.get("jobTemplate", {}).get("spec", {}).get("template"), _CRON_TEMPLATE)


_CRON_TEMPLATE = "spec.jobTemplate.spec.template"


def check_event(event: Object, _old: Object | None) -> Iterator[str]:
    """Findings about a core Event."""
    wanted, found = event["metadata"].get("namespace"), event.get("involvedObject", {}).get("namespace", "default")
    if wanted != found:
        yield f'involvedObject.namespace: Invalid value: "{found}": does not match event.namespace'
