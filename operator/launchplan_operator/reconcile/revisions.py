"""A plan's versions on the server: kept before they count, read back only with the hash that the plan's status has."""

from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason, has_status
from launchplan_operator.api.kinds import CONTROLLER_REVISIONS
from launchplan_operator.api.mending import run_command
from launchplan_operator.decide.refusals import show_quota
from launchplan_operator.decide.versions import (
    KnownVersion,
    Snapshot,
    exceeds_storage,
    read_snapshot,
    remember_version,
    revision_name,
    snapshot_data,
)
from launchplan_operator.kube.client import Reply
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.result import Failed
from launchplan_operator.render import labels
from launchplan_operator.render.revision import render_revision

_REMOVE_HINT = "delete it, and name another version or apply the plan of that version again"


def known_versions(plan: Mapping[str, Any]) -> tuple[KnownVersion, ...]:
    """Return the versions that a plan's status lists, newest last."""
    listed = (plan.get("status") or {}).get("versions") or ()
    return tuple(KnownVersion(each["version"], each["hash"], each["workflow"]) for each in listed)


async def recall_versions(context: Context, plan: Mapping[str, Any]) -> tuple[KnownVersion, ...]:
    """Return the versions of a plan; where its status was lost, those that it kept and that are what their names say.

    A plan that was never edited has no past beyond what the next write meets: nothing is asked for it.
    """
    known = known_versions(plan)
    if known or has_status(plan) or plan["metadata"].get("generation", 1) == 1:
        return known
    return await _take_over(context, plan)


async def load_revision(context: Context, plan: Mapping[str, Any], known: KnownVersion) -> Snapshot | Finding:
    """Return a known version's content, or why it cannot be trusted or found."""
    remembered = context.caches.snapshots.get(known.hash)
    if remembered is not None:
        return remembered
    name = revision_name(plan["metadata"]["name"], known.hash)
    revision = await context.client.get(CONTROLLER_REVISIONS, plan["metadata"]["namespace"], name)
    if revision is None:
        message = f"found no ControllerRevision {name!r}, which kept version {known.version!r}"
        return Finding(Reason.VersionNotFound, message, "status.versions", "apply the plan of that version again")
    snapshot = read_snapshot(revision.get("data"))
    if snapshot is None or snapshot.hash != known.hash or not _is_of(revision, plan):
        return tampered(name, known.version)
    context.caches.remember_snapshot(snapshot)
    return snapshot


async def keep_revision(
    context: Context, plan: Mapping[str, Any], snapshot: Snapshot, known: Sequence[KnownVersion]
) -> tuple[KnownVersion, ...] | Finding | Failed:
    """Keep a version that is not known yet, and return the known versions with it as the newest."""
    if any(each.hash == snapshot.hash for each in known):
        return remember_version(known, snapshot)
    if too_large := exceeds_storage(snapshot):
        return too_large
    name = revision_name(plan["metadata"]["name"], snapshot.hash)
    manifest = render_revision(plan, name, snapshot.version, len(known) + 1, snapshot_data(snapshot))
    reply = await context.client.create(CONTROLLER_REVISIONS, manifest)
    if reply.exists:
        return await _meet(context, plan, snapshot, known)
    if not reply.ok:
        return _refused(reply)
    return remember_version(known, snapshot)


async def prune_revisions(context: Context, plan: Mapping[str, Any], kept: Sequence[KnownVersion]) -> None:
    """Delete the plan's revisions whose versions its status lists no more; what fails is done at the next pruning.

    What is not what its name says was put there by somebody else, who may remove it.
    """
    hashes = {revision_name(plan["metadata"]["name"], each.hash) for each in kept}
    for revision in await _revisions_of(context, plan):
        if revision["metadata"]["name"] not in hashes and _kept_in(revision, plan) is not None:
            await _delete(context, revision)


def tampered(name: str, version: str) -> Finding:
    """Return the finding for an object that is not the revision that the operator made."""
    message = f"found a ControllerRevision {name!r} that is not the one that was made for version {version!r}"
    fix = run_command("kubectl", "delete", "controllerrevision", name)
    return Finding(Reason.RevisionTampered, message, "status.versions", _REMOVE_HINT, fix=fix)


async def _meet(
    context: Context, plan: Mapping[str, Any], snapshot: Snapshot, known: Sequence[KnownVersion]
) -> tuple[KnownVersion, ...] | Finding | Failed:
    """Look at an object that has the revision's name already."""
    name = revision_name(plan["metadata"]["name"], snapshot.hash)
    revision = await context.client.get(CONTROLLER_REVISIONS, plan["metadata"]["namespace"], name)
    if revision is None:
        return Failed(f"ControllerRevision {name} vanished between two looks")
    found = read_snapshot(revision.get("data"))
    if found is None or found.hash != snapshot.hash:
        return tampered(name, snapshot.version)
    if not _is_of(revision, plan):
        # Of an earlier plan of this name, or orphaned: the same content, but it would go with its owner or never.
        await _delete(context, revision)
        return Failed(f"ControllerRevision {name} had another owner and is made again")
    past = known or await _take_over(context, plan)
    return remember_version(past, snapshot)


async def _take_over(context: Context, plan: Mapping[str, Any]) -> tuple[KnownVersion, ...]:
    known: tuple[KnownVersion, ...] = ()
    for revision in sorted(await _revisions_of(context, plan), key=_age):
        snapshot = _kept_in(revision, plan)
        if snapshot is not None:
            known = remember_version(known, snapshot)
    return known


def _kept_in(revision: Mapping[str, Any], plan: Mapping[str, Any]) -> Snapshot | None:
    """Return the version that a revision keeps, or None if it does not keep the one that its name says."""
    snapshot = read_snapshot(revision.get("data"))
    named = snapshot and revision["metadata"]["name"] == revision_name(plan["metadata"]["name"], snapshot.hash)
    return snapshot if named else None


def _age(revision: Mapping[str, Any]) -> tuple[str, int]:
    return revision["metadata"]["creationTimestamp"], revision.get("revision") or 0


async def _revisions_of(context: Context, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    selector = {labels.MANAGED_BY: labels.MANAGER, labels.PLAN: plan["metadata"]["name"]}
    listing = await context.client.list(CONTROLLER_REVISIONS, plan["metadata"]["namespace"], selector)
    return [each for each in listing.items if _is_of(each, plan)]


async def _delete(context: Context, revision: Mapping[str, Any]) -> None:
    metadata = revision["metadata"]
    await context.client.delete(CONTROLLER_REVISIONS, metadata["namespace"], metadata["name"], uid=metadata["uid"])


def _is_of(revision: Mapping[str, Any], plan: Mapping[str, Any]) -> bool:
    controller = labels.controller_of(revision)
    return controller is not None and controller["uid"] == plan["metadata"]["uid"]


def _refused(reply: Reply) -> Finding | Failed:
    if not reply.refused:
        return Failed(reply.message)
    message = f"the API server refuses the ControllerRevision that would keep the version: {reply.message}"
    # As a rule a quota's or an admission's word, which may change.
    return Finding(Reason.RevisionRefused, message, "spec", transient=True, fix=show_quota(reply.message))
