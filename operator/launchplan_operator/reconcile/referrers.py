"""Who refers to a plan: told on the plan's side, where its owner sees also those whom it does not allow."""

from collections.abc import Mapping
from heapq import nsmallest
from typing import Any

from launchplan_operator.api.planstatus import MAX_REFERRERS
from launchplan_operator.reconcile.caches import scoped
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.resolution import consents


def report_referrers(context: Context, plan: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the plan's `status.references`; None where nobody refers to it."""
    place = scoped(plan["metadata"]["namespace"], plan["metadata"]["name"])
    found = context.caches.references.by("target", place)
    if not found:
        return None
    names = [(reference["metadata"]["namespace"], reference["metadata"]["name"]) for reference in found]
    allowed = {namespace: consents(context, plan, namespace) for namespace in {namespace for namespace, _ in names}}
    refused = sum(not allowed[namespace] for namespace, _ in names)
    shown = [
        {"namespace": namespace, "name": name, "allowed": allowed[namespace]}
        for namespace, name in nsmallest(MAX_REFERRERS, names)
    ]
    return {"count": len(names), "from": shown} | ({"refused": refused} if refused else {})
