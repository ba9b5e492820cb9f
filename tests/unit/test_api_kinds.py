"""Kinds and their REST paths."""

import pytest

from launchplan_operator.api import kinds
from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLANS, NAMESPACES, PODS, Kind


@pytest.mark.parametrize(
    ("kind", "arguments", "path"),
    [
        (PODS, ("default",), "/api/v1/namespaces/default/pods"),
        (PODS, (None,), "/api/v1/pods"),
        (PODS, ("default", "x"), "/api/v1/namespaces/default/pods/x"),
        (NAMESPACES, (None, "x"), "/api/v1/namespaces/x"),
        (CRON_JOBS, ("a", "b"), "/apis/batch/v1/namespaces/a/cronjobs/b"),
        (LAUNCH_PLANS, ("a", "b", "status"), "/apis/launchplan.dev/v1alpha1/namespaces/a/launchplans/b/status"),
        (LAUNCH_PLANS, (None,), "/apis/launchplan.dev/v1alpha1/launchplans"),
    ],
)
def test_a_path_is_the_api_servers(kind: Kind, arguments: tuple[str | None, ...], path: str) -> None:
    """The core group has another root; cluster-wide paths name no namespace."""
    assert kind.path(*arguments) == path


def test_an_api_version_leaves_out_the_core_group() -> None:
    """As manifests write it."""
    assert (PODS.api_version, LAUNCH_PLANS.api_version) == ("v1", "launchplan.dev/v1alpha1")


def test_no_two_kinds_share_a_path() -> None:
    """Every constant is its own resource."""
    paths = [kind.path(None) for kind in vars(kinds).values() if isinstance(kind, Kind)]
    assert len(paths) == len(set(paths)) == 12
