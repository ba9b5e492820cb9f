"""Versions: what identifies a workflow or a plan by what it says, on every cluster alike.

A plan's version is a snapshot: its versioned fields together with the workflow that they resolved to. Its hash is the
SHA-256 of canonical JSON, its name the first ten hex digits of that unless the spec names it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from launchplan_operator.api.canonical import SHORT_HASH, canonical_json, digest
from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Fix, edit_object, retarget, set_field
from launchplan_operator.api.model import MAX_VERSION

#: The plan's fields that a run depends on; all others may change without a new version.
VERSIONED_PLAN_FIELDS: Final = (
    "annotations",
    "defaultInputs",
    "env",
    "fixedInputs",
    "identity",
    "interruptible",
    "labels",
    "maxParallelism",
    "rawOutputDataConfig",
    "retries",
    "schedule",
    "timeout",
    "workflowRef",
)
#: What may change without a new version: the version's own name, and permissions, which must be revocable at once.
UNVERSIONED_WORKFLOW_FIELDS: Final = ("allow", "version")
#: How many versions a plan keeps, beside those that are in use.
VERSIONS_KEPT: Final = 20
_TAKE_BACK: Final = "name a new version, or take the change back"
#: etcd takes no object of much more than this.
MAX_SNAPSHOT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WorkflowContent:
    """What of a workflow a run depends on.

    Attributes:
        version: as the spec names it, or by its content.
        hash: the SHA-256 of `spec`.
        spec: the workflow's spec without its version's name and its permissions.
    """

    version: str
    hash: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of a plan.

    Attributes:
        version: as the plan names it, or by its content.
        hash: the SHA-256 of the content, the workflow's and a given name included.
        spec: the plan's versioned fields.
        workflow: what they resolved to.
        named: whether the spec names the version.
    """

    version: str
    hash: str
    spec: Mapping[str, Any]
    workflow: WorkflowContent
    named: bool = False

    @property
    def workflow_name(self) -> str:
        """The name of the workflow."""
        return str(self.spec["workflowRef"]["name"])


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version that a plan's status lists; whatever bears another hash is not it."""

    version: str
    hash: str
    workflow: str


def read_workflow_content(spec: Mapping[str, Any]) -> WorkflowContent:
    """Return what of a workflow's spec a run depends on."""
    content = {field: value for field, value in spec.items() if field not in UNVERSIONED_WORKFLOW_FIELDS}
    found = digest(content)
    return WorkflowContent(str(spec.get("version") or found[:SHORT_HASH]), found, content)


def take_snapshot(spec: Mapping[str, Any], workflow: WorkflowContent) -> Snapshot:
    """Return the version that a plan's spec stands for with the workflow that it resolved to."""
    versioned = {field: spec[field] for field in VERSIONED_PLAN_FIELDS if field in spec}
    return _snapshot(versioned, workflow, spec.get("version"))


def snapshot_data(snapshot: Snapshot) -> dict[str, Any]:
    """Return a version's content as it is stored."""
    workflow = snapshot.workflow
    stored = {"name": snapshot.workflow_name, "version": workflow.version, "spec": dict(workflow.spec)}
    name = {"version": snapshot.version} if snapshot.named else {}
    return name | {"spec": dict(snapshot.spec), "workflow": stored}


def read_snapshot(data: Any) -> Snapshot | None:
    """Return the version that stored content stands for, hashed anew, or None where it is no such content."""
    try:
        workflow = data["workflow"]
        content = WorkflowContent(workflow["version"], digest(workflow["spec"]), workflow["spec"])
        return _snapshot({**data["spec"]}, content, data.get("version"))
    except (KeyError, TypeError, AttributeError):
        return None


def _snapshot(versioned: Mapping[str, Any], workflow: WorkflowContent, name: str | None) -> Snapshot:
    # The workflow by its hash, not whole: it is hashed once for all its plans.
    body = {"spec": versioned, "workflow": {"version": workflow.version, "hash": workflow.hash}}
    found = digest(body | ({"version": name} if name else {}))
    return Snapshot(name or found[:SHORT_HASH], found, versioned, workflow, named=bool(name))


def revision_name(plan: str, snapshot_hash: str) -> str:
    """Return the name of the object that keeps a version."""
    return f"{plan}-{snapshot_hash[:SHORT_HASH]}"


def exceeds_storage(snapshot: Snapshot) -> Finding | None:
    """Return the finding for a version that no object can hold."""
    size = len(canonical_json(snapshot_data(snapshot)).encode())
    if size <= MAX_SNAPSHOT_BYTES:
        return None
    message = f"found {size} bytes of plan and workflow together, expected at most {MAX_SNAPSHOT_BYTES}"
    hint = "move large texts of the template into a ConfigMap"
    fix = retarget(edit_object(), "wfd", snapshot.workflow_name)
    return Finding(Reason.WorkflowTooLarge, message, "spec.workflowRef", hint, fix=fix)


def find_version(known: Iterable[KnownVersion], version: str) -> KnownVersion | None:
    """Return the known version of that name, or None."""
    return next((each for each in known if each.version == version), None)


def version_conflict(known: Iterable[KnownVersion], snapshot: Snapshot, before: Snapshot | None) -> Finding | None:
    """Return a VersionConflict where the version's name already stands for other content.

    Args:
        known: the versions that the status lists.
        snapshot: what the spec stands for now.
        before: what the name stood for, where its content can still be read; it tells the differing fields.
    """
    same = find_version(known, snapshot.version)
    if same is None or same.hash == snapshot.hash:
        return None
    fields = differing_fields(before, snapshot) if before else ()
    differ = f" (differing: {', '.join(fields)})" if fields else ""
    message = f"found version {snapshot.version!r} with other content than it was first seen with{differ}"
    return Finding(
        Reason.VersionConflict,
        message,
        "spec.version",
        _TAKE_BACK,
        fix=_free_version({each.version for each in known}, snapshot.version),
    )


def workflow_conflict(known: Iterable[tuple[str, str]], content: WorkflowContent) -> Finding | None:
    """Return a VersionConflict where a workflow's version already stands for other content.

    Args:
        known: (version, hash) of each version that was seen valid.
        content: what the spec stands for now.
    """
    seen = dict(known)
    if seen.get(content.version, content.hash) == content.hash:
        return None
    message = f"found version {content.version!r} with other content than it was first seen with"
    return Finding(
        Reason.VersionConflict, message, "spec.version", _TAKE_BACK, fix=_free_version(seen, content.version)
    )


def _free_version(taken: Collection[str], version: str) -> Fix:
    """Return the fix that gives the content a name of its own."""
    stem = version[: MAX_VERSION - 4]
    free = next(name for name in (f"{stem}-{number}" for number in count(2)) if name not in taken)
    return set_field(free, "spec", "version")


def differing_fields(old: Snapshot, new: Snapshot) -> tuple[str, ...]:
    """Return the paths in which two versions differ, the workflow's own among them, sorted."""
    return (*_differing("spec", old.spec, new.spec), *_differing("workflow", old.workflow.spec, new.workflow.spec))


def remember_version(known: Sequence[KnownVersion], snapshot: Snapshot) -> tuple[KnownVersion, ...]:
    """Return the known versions with this one as the newest."""
    others = tuple(each for each in known if each.version != snapshot.version)
    return (*others, KnownVersion(snapshot.version, snapshot.hash, snapshot.workflow.version))


def bound_history(
    known: Sequence[KnownVersion], needed: Collection[str], limit: int = VERSIONS_KEPT
) -> tuple[KnownVersion, ...]:
    """Return the newest versions, `limit` at least, and every older one that is needed.

    Args:
        known: oldest first.
        needed: versions that are active, pinned, or used by an execution that still exists.
        limit: how many are kept whether needed or not.
    """
    old = known[: max(0, len(known) - limit)]
    return (*(each for each in old if each.version in needed), *known[len(old) :])


def _differing(prefix: str, old: Any, new: Any) -> Iterable[str]:
    if old == new:
        return
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        yield prefix
        return
    for key in sorted({*old, *new}):
        yield from _differing(f"{prefix}.{key}", old.get(key), new.get(key))
