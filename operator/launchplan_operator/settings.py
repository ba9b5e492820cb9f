"""Every setting of the operator, read once at the start."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.api.parsing import parse_spec

_PREFIX = "LAUNCHPLAN_OPERATOR_"


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's settings; each is an environment variable `LAUNCHPLAN_OPERATOR_<NAME>`.

    Attributes:
        namespaces: comma-separated namespaces to serve; empty means all.
        workers: how many objects are reconciled at once.
        connections: how many HTTP connections to the API server are kept.
        request_timeout: seconds that one API call may take.
        health_port: port of `/livez`, `/readyz` and `/metrics`; 0 serves none.
        metrics_namespaces: how many namespaces have series of their own in `/metrics`; the others share `_other`.
        log_level: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
        context: the kubeconfig context; empty means the current one.
        leader_election: whether only one of all operators with the same Lease works, and the others stand by; `true` or
            `false`, by default true in a pod.
        lease_name: the Lease; operators that serve different namespaces need different ones.
        lease_namespace: where it is; empty means the pod's own namespace, and `default` outside of pods.
        defaults: run settings where neither the run nor its plan has any, as JSON written like a plan's spec:
            `{"labels": {…}, "timeout": "2h", "rawOutputDataConfig": {…}, …}`.
        in_cluster: whether the process is a pod and uses its service account; seen from Kubernetes' own variables.
    """

    namespaces: tuple[str, ...] = field(default=())
    workers: int = 20
    connections: int = 32
    request_timeout: float = 30.0
    health_port: int = 8080
    metrics_namespaces: int = 50
    log_level: str = "INFO"
    context: str = ""
    leader_election: bool = False
    lease_name: str = "launchplan-operator"
    lease_namespace: str = ""
    defaults: RunDefaults = field(default_factory=RunDefaults)
    in_cluster: bool = False


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an environment.

    Raises:
        ValueError: a number, a truth value or the defaults are none; the message names the variable, and the field.
    """
    defaults = Settings()
    in_cluster = "KUBERNETES_SERVICE_HOST" in environ and "KUBECONFIG" not in environ
    return Settings(
        namespaces=tuple(name.strip() for name in environ.get(f"{_PREFIX}NAMESPACES", "").split(",") if name.strip()),
        workers=int(_number(environ, "WORKERS", defaults.workers)),
        connections=int(_number(environ, "CONNECTIONS", defaults.connections)),
        request_timeout=_number(environ, "REQUEST_TIMEOUT", defaults.request_timeout),
        health_port=int(_number(environ, "HEALTH_PORT", defaults.health_port)),
        metrics_namespaces=int(_number(environ, "METRICS_NAMESPACES", defaults.metrics_namespaces)),
        log_level=environ.get(f"{_PREFIX}LOG_LEVEL", defaults.log_level),
        context=environ.get(f"{_PREFIX}CONTEXT", defaults.context),
        leader_election=_truth(environ, "LEADER_ELECTION", default=in_cluster),
        lease_name=environ.get(f"{_PREFIX}LEASE_NAME") or defaults.lease_name,
        lease_namespace=environ.get(f"{_PREFIX}LEASE_NAMESPACE", defaults.lease_namespace),
        defaults=_run_defaults(environ, "DEFAULTS"),
        in_cluster=in_cluster,
    )


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(_PREFIX + name)
    if text is None:
        return default
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{_PREFIX}{name}: found {text!r}, expected a number") from None


def _truth(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(_PREFIX + name, "").strip().lower()
    if text in ("true", "false", ""):
        return default if not text else text == "true"
    raise ValueError(f"{_PREFIX}{name}: found {text!r}, expected true or false")


def _run_defaults(environ: Mapping[str, str], name: str) -> RunDefaults:
    text = environ.get(_PREFIX + name, "").strip()
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise ValueError(f"{_PREFIX}{name}: expected JSON: {error}") from None
    defaults = parse_spec(RunDefaults, {"spec": value})
    if isinstance(defaults, RunDefaults):
        return defaults
    told = (
        ": ".join(part for part in (each.path.removeprefix("spec").lstrip("."), each.message) if part)
        for each in defaults
    )
    raise ValueError(f"{_PREFIX}{name}: {'; '.join(told)}")
