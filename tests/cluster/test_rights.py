"""Least privilege, shown: what the operator asked of the API server over the whole session, beside what it may ask.

These tests run after all others of this folder; see `pytest_collection_modifyitems`.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from localcluster.cluster import LocalCluster
from localcluster.operated import CLUSTER_RULES, LEASE_ROLE, ROLE, OperatorProcess
from tests.cluster.audit import Audit

#: Verb, API group, resource with its subresource.
Right = tuple[str, str, str]
#: Kubernetes itself lets every account ask what it may do.
_EVERYBODYS: set[Right] = {("create", "authorization.k8s.io", "selfsubjectaccessreviews")}


#: What the operator of these tests, which serves the whole cluster, is granted: each role, in the files that make it up.
ROLES = ((ROLE, CLUSTER_RULES), (LEASE_ROLE,))


def granted(*roles: Iterable[Path]) -> set[Right]:
    """Return the rights that roles grant."""
    return {
        (verb, group, resource)
        for files in roles
        for rule in yaml.safe_load("".join(path.read_text() for path in files))["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def used(cluster: LocalCluster) -> set[Right]:
    """Return the rights that the operator used."""
    return {(each.verb, each.group, each.resource) for each in Audit(cluster.audit_log).requests()} - _EVERYBODYS


def test_the_operator_was_refused_nothing(cluster: LocalCluster, running: OperatorProcess) -> None:
    """Each request of it was within the chart's roles."""
    assert running.is_ready()
    assert {each for each in Audit(cluster.audit_log).requests() if not each.is_allowed} == set()
    assert used(cluster) <= granted(*ROLES)


@pytest.mark.whole_session
def test_the_operator_is_granted_nothing_that_it_never_needs(cluster: LocalCluster) -> None:
    """Every right in the chart's roles was used by some test."""
    assert granted(*ROLES) - used(cluster) == set()
