"""The generated part of gitops/kustomize/base: the CRDs, the operator's rights and the policies, as the chart has them."""

# ruff: noqa: INP001 - a folder of pages is no package

from pathlib import Path
from typing import Any, Final

import yaml

from launchplan_operator.api.crd import build_crds

_ROOT: Final = Path(__file__).parents[1]
_CHART: Final = _ROOT / "helm" / "launchplan-operator"
BASE: Final = _ROOT / "gitops" / "kustomize" / "base"
_HEADER: Final = "# Made by `make generate`; do not edit.\n"
_NAME: Final = "launchplan-operator"
_HERE: Final = {"name": _NAME, "namespace": "launchplan-system"}
_RBAC: Final = "rbac.authorization.k8s.io"

Object = dict[str, Any]


def render_base() -> dict[Path, str]:
    """Return the generated files with their texts."""
    return {
        BASE / "crds.yaml": _dump(build_crds()),
        BASE / "rbac.yaml": _dump(_rights()),
        BASE / "policies.yaml": _HEADER
        + "---\n".join(path.read_text(encoding="utf-8") for path in sorted(_CHART.glob("files/policies/*.yaml"))),
    }


def _rights() -> list[Object]:
    """Return the account and its two roles: the operator's own, and that on its Lease."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": dict(_HERE)}
    return [account, *_bound("ClusterRole", "role.yaml", "cluster-rules.yaml"), *_bound("Role", "lease-role.yaml")]


def _bound(kind: str, *files: str) -> list[Object]:
    texts = [(_CHART / "files" / "rbac" / file).read_text(encoding="utf-8") for file in files]
    rules = yaml.safe_load("".join(texts))
    about: Object = {"apiVersion": f"{_RBAC}/v1", "metadata": {"name": _NAME} if kind == "ClusterRole" else dict(_HERE)}
    bound = {
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": _NAME},
        "subjects": [{"kind": "ServiceAccount", **_HERE}],
    }
    return [about | {"kind": kind} | rules, about | {"kind": f"{kind}Binding"} | bound]


def _dump(objects: list[Object]) -> str:
    return _HEADER + yaml.safe_dump_all(objects, sort_keys=False, width=120, allow_unicode=True)
