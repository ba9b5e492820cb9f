"""Who may do what by the chart's roles, alone and within Kubernetes' own view, edit and admin."""

import json
from collections.abc import Iterator

import pytest

from localcluster.operated import ACCOUNT, SYSTEM_NAMESPACE
from tests.cluster.charted import Charted
from tests.cluster.support import Space, eventually

#: What each kind of person may write.
WRITES = {
    "view": set(),
    "launcher": {"launchplanexecutions"},
    "plan-author": {"launchplans", "referencelaunchplans"},
    "workflow-author": {"workflowdefinitions"},
    "edit": {"launchplanexecutions", "launchplans", "referencelaunchplans"},
    "admin": {"launchplanexecutions", "launchplans", "referencelaunchplans", "workflowdefinitions"},
}
KINDS = ("workflowdefinitions", "launchplans", "referencelaunchplans", "launchplanexecutions")
OWN = ("launcher", "plan-author", "workflow-author")
Rights = set[tuple[str, str]]


def rights_of(space: Space, user: str) -> Rights:
    """Return verb and resource of all that somebody may do with our kinds in the namespace."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": space.namespace},
    }
    told = space.kubectl(
        f"--as={user}", "create", "--validate=false", "-f", "-", "-o", "json", stdin=json.dumps(review)
    )
    return {
        (verb, resource)
        for rule in json.loads(told)["status"]["resourceRules"]
        if "launchplan.dev" in rule["apiGroups"]
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }


@pytest.fixture(scope="module")
def people(charted: Charted) -> Iterator[Space]:
    """A namespace with somebody in each role, called like it."""
    charted.install()
    with charted.space() as space:
        for person in WRITES:
            role = f"{ACCOUNT}-{person}" if person in OWN else person
            space.kubectl("create", "rolebinding", person, f"--clusterrole={role}", f"--user={person}")
        # A controller brings the roles together.
        eventually(lambda: rights_of(space, "admin"), lambda seen: ("create", "workflowdefinitions") in seen)
        yield space


@pytest.mark.parametrize("person", list(WRITES))
def test_somebody_may(people: Space, person: str) -> None:
    """Read everything, write what the role is for, and nothing else: no status, no other verb."""
    reads = {(verb, kind) for verb in ("get", "list", "watch") for kind in KINDS}
    verbs = ("create", "update", "patch", "delete", "deletecollection")
    assert rights_of(people, person) == reads | {(verb, kind) for verb in verbs for kind in WRITES[person]}


def test_a_person_without_a_role_may_nothing(people: Space) -> None:
    """The table above is not empty by accident."""
    assert rights_of(people, "stranger") == set()


def test_edit_may_write_workflows_where_that_is_wanted(charted: Charted, people: Space) -> None:
    """By a value; and Kubernetes' roles may be left as they are by another."""
    charted.install("--set", "roles.editWritesWorkflows=true")
    eventually(lambda: rights_of(people, "edit"), lambda seen: ("create", "workflowdefinitions") in seen)
    charted.install("--set", "roles.aggregate=false")
    eventually(lambda: rights_of(people, "edit"), lambda seen: not seen)
    assert ("create", "launchplans") in rights_of(people, "plan-author")


def test_the_operator_may_not_write_what_people_write(people: Space) -> None:
    """It makes and removes runs, and tells of the rest in a status."""
    user = f"system:serviceaccount:{SYSTEM_NAMESPACE}:{ACCOUNT}"
    rights = rights_of(people, user)
    assert {each for each in rights if each[0] not in ("get", "list", "watch")} == {
        ("create", "launchplanexecutions"),
        ("patch", "launchplanexecutions"),
        ("delete", "launchplanexecutions"),
        ("update", "workflowdefinitions/status"),
        ("update", "launchplans/status"),
        ("update", "referencelaunchplans/status"),
        ("update", "launchplanexecutions/status"),
        ("patch", "launchplanexecutions/status"),
    }
