"""The checks of `lint`: the operator's own, and what the API server refuses before the operator sees an object."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.crd import RESOURCES
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import (
    GROUP,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    VERSION,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.model import NAME_PATTERN, Model
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.cli.catalogue import (
    KINDS,
    Catalogue,
    Key,
    catalogue_of,
    check_run,
    is_ours,
    key_of,
    stored,
    view_manifest,
)
from launchplan_operator.cli.manifests import Manifest, Stream, Unreadable
from launchplan_operator.cli.references import check_run_through, read_reference
from launchplan_operator.cli.schema import check_schema, spec_schemas, unknown_field
from launchplan_operator.decide.references import check_run_name
from launchplan_operator.decide.retention import TRACKING_MARKS, marks_of

_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec", "status")
_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_NAME: Final = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONGEST: Final = {resource.kind.kind: resource.max_name for resource in RESOURCES}
_MODELS: Final[dict[str, type[Model]]] = {
    WORKFLOW_DEFINITIONS.kind: WorkflowDefinitionSpec,
    LAUNCH_PLANS.kind: LaunchPlanSpec,
    REFERENCE_LAUNCH_PLANS.kind: ReferenceLaunchPlanSpec,
    LAUNCH_PLAN_EXECUTIONS.kind: LaunchPlanExecutionSpec,
}
#: Findings that keep nothing from being applied.
_WARNINGS: Final = frozenset({Reason.Inactive, Reason.DefinedTwice, Reason.RunNameFixed})
#: Groups and kinds that stand beside manifests which a tool keeps in step with a repository.
_SYNCING: Final = frozenset(
    {
        ("kustomize.config.k8s.io", "Kustomization"),
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ("argoproj.io", "Application"),
        ("argoproj.io", "ApplicationSet"),
    }
)
#: A hook is made anew at each sync, or each upgrade.
_HOOKS: Final = frozenset({"argocd.argoproj.io/hook", "helm.sh/hook"})


@dataclass(frozen=True, slots=True)
class Report:
    """One finding and the object that it is about."""

    file: str
    finding: Finding
    kind: str = ""
    namespace: str = ""
    name: str = ""
    strict: bool = False

    @property
    def severity(self) -> str:
        """`warning` for what may be as it is meant, or what another object may mend; else `error`."""
        is_warning = self.finding.transient or self.finding.reason in _WARNINGS
        return "warning" if is_warning and not self.strict else "error"

    @property
    def message(self) -> str:
        """What was found and expected, with the hint in brackets."""
        hint = f" ({self.finding.hint})" if self.finding.hint else ""
        return f"{self.finding.message}{hint}"

    @property
    def text(self) -> str:
        """The line for people: `file: Kind/name: path: reason: message (hint)`."""
        named = f"{self.kind}/{self.name}" if self.kind else ""
        parts = (self.file, named, self.finding.path, str(self.finding.reason), self.message)
        return ": ".join(part for part in parts if part)

    def data(self) -> dict[str, str]:
        """Return the finding as `-o json` shows it."""
        return {
            "file": self.file,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "path": self.finding.path,
            "reason": str(self.finding.reason),
            "severity": self.severity,
            "message": self.message,
        }


def lint(stream: Stream, namespace: str = "", *, strict: bool = False, synced: bool = False) -> list[Report]:
    """Return the findings of all that was read, in the order of the text.

    Args:
        stream: what was read.
        namespace: where objects without a namespace are.
        strict: whether warnings are errors.
        synced: whether a tool keeps all of it in step with a repository, also if nothing among it says so.
    """
    catalogue = catalogue_of(stream.manifests, namespace)
    reports = [_unreadable(each, strict=strict) for each in stream.unreadable]
    synced = synced or any(map(_is_syncing, stream.manifests))
    for manifest, finding in chain.from_iterable(_checked(catalogue, stream.manifests, synced=synced)):
        place = manifest.namespace or namespace
        reports.append(Report(manifest.file, finding, manifest.kind, place, manifest.name, strict))
    return reports


def _unreadable(place: Unreadable, *, strict: bool) -> Report:
    path = f"line {place.line}" if place.line else ""
    return Report(place.file, Finding(Reason.ManifestUnreadable, place.message, path), strict=strict)


def _is_syncing(manifest: Manifest) -> bool:
    return (manifest.api_version.partition("/")[0], manifest.kind) in _SYNCING


def _checked(
    catalogue: Catalogue, manifests: Sequence[Manifest], *, synced: bool
) -> Iterator[list[tuple[Manifest, Finding]]]:
    times = Counter(key_of(manifest, catalogue.namespace) for manifest in manifests if is_ours(manifest))
    for manifest in manifests:
        found = [*check_manifest(catalogue, manifest, times), *_synced_run(manifest, synced=synced)]
        yield [(manifest, finding) for finding in found]


def check_manifest(catalogue: Catalogue, manifest: Manifest, times: Counter[Key]) -> Iterator[Finding]:
    """Yield what is wrong with one object; nothing for kinds that are not ours."""
    if not is_ours(manifest):
        yield from _foreign(manifest)
        return
    yield from _metadata(manifest)
    if manifest.metadata.get("name") and times[key_of(manifest, catalogue.namespace)] > 1:
        message = f"found {manifest.kind} {manifest.name!r} twice in these manifests; the last one wins"
        yield Finding(Reason.DefinedTwice, message, "metadata.name")
    shape = tuple(_shape(manifest))
    yield from shape
    yield from _meaning(catalogue, manifest, {finding.path for finding in shape})


def _synced_run(manifest: Manifest, *, synced: bool) -> Iterator[Finding]:
    marks = marks_of(manifest.metadata)
    if manifest.kind != LAUNCH_PLAN_EXECUTIONS.kind or marks & _HOOKS or "name" not in manifest.metadata:
        return
    if is_ours(manifest) and (synced or marks & TRACKING_MARKS):
        message = (
            f"found the fixed name {manifest.name!r} of a run that is synced from Git, expected a hook or a schedule"
        )
        hint = "it runs once, not at each sync, is kept for ever, and runs again where it was deleted"
        yield Finding(Reason.RunNameFixed, message, "metadata.name", hint)


def _foreign(manifest: Manifest) -> Iterator[Finding]:
    group, _, version = manifest.api_version.rpartition("/")
    if group != GROUP and not (manifest.kind in KINDS and not group):
        return
    if manifest.kind not in KINDS:
        nearest = get_close_matches(manifest.kind, KINDS, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else ""
        message = f"found the kind {manifest.kind!r}, expected one of {', '.join(KINDS)}"
        yield Finding(Reason.KindUnknown, message, "kind", hint)
    if (group, version) != (GROUP, VERSION):
        message = f"found the apiVersion {manifest.api_version!r}, expected {GROUP}/{VERSION}"
        yield Finding(Reason.KindUnknown, message, "apiVersion")


def _metadata(manifest: Manifest) -> Iterator[Finding]:
    name, longest = manifest.metadata.get("name"), _LONGEST[manifest.kind]
    if name is None and manifest.metadata.get("generateName"):
        name = f"{manifest.name}00000"
    elif manifest.kind == LAUNCH_PLAN_EXECUTIONS.kind and isinstance(name, str):
        yield from filter(None, [check_run_name(name)])
    if not isinstance(name, str) or not _NAME.match(name):
        message = f"found {name!r}, expected lower-case letters, digits, - and ., with a letter or a digit at both ends"
        yield Finding(Reason.NameInvalid, message, "metadata.name")
    elif len(name) > longest:
        message = f"found {len(name)} characters, expected at most {longest}: the names of Jobs are made from it"
        yield Finding(Reason.NameInvalid, message, "metadata.name")
    namespace = manifest.metadata.get("namespace")
    if namespace is not None and not (isinstance(namespace, str) and _NAMESPACE.fullmatch(namespace)):
        message = f"found {namespace!r}, expected the name of a namespace"
        yield Finding(Reason.NameInvalid, message, "metadata.namespace")
    for field in ("labels", "annotations"):
        yield from check_schema(_TEXTS | {"nullable": True}, manifest.metadata.get(field), f"metadata.{field}")


def _shape(manifest: Manifest) -> Iterator[Finding]:
    for name in manifest.obj:
        if name not in _FIELDS:
            yield unknown_field(name, _FIELDS, "")
    if "spec" in manifest.obj:
        yield from check_schema(spec_schemas()[manifest.kind], manifest.obj["spec"], "spec")
    else:
        yield Finding(Reason.InvalidSpec, "found nothing, expected a value", "spec")


def _meaning(catalogue: Catalogue, manifest: Manifest, refused: set[str]) -> Iterator[Finding]:
    """Yield what the operator would find; a place that the schema refuses already needs no second word."""
    obj = stored(manifest)
    spec = parse_spec(_MODELS[manifest.kind], obj)
    if isinstance(spec, tuple):
        yield from (finding for finding in spec if finding.path not in refused)
        return
    namespace = manifest.namespace
    if manifest.kind == WORKFLOW_DEFINITIONS.kind:
        yield from view_manifest(manifest.name, obj).findings
    elif isinstance(spec, LaunchPlanSpec):
        yield from catalogue.read_plan(namespace, obj).findings
        yield from _inactive(spec)
    elif isinstance(spec, ReferenceLaunchPlanSpec):
        yield from read_reference(catalogue, namespace, obj).findings
    elif isinstance(spec, LaunchPlanExecutionSpec) and spec.relaunch_of is None:
        # What a relaunched run gets depends on the earlier one, which only the cluster has.
        yield from _run(catalogue, namespace, spec)


def _run(catalogue: Catalogue, namespace: str, spec: LaunchPlanExecutionSpec) -> tuple[Finding, ...]:
    ref = spec.launch_plan_ref
    if ref.kind == REFERENCE_LAUNCH_PLANS.kind:
        return check_run_through(catalogue, namespace, ref.name, ref.version, spec.inputs)
    return check_run(catalogue, namespace, spec)


def _inactive(spec: LaunchPlanSpec) -> Iterator[Finding]:
    if spec.schedule is not None and not spec.auto_activate and spec.active_version is None:
        message = "found a schedule and no active version: nothing will run on schedule"
        yield Finding(Reason.Inactive, message, "spec.autoActivate", "set spec.autoActivate to true")
