"""References under the chart's roles and policies: a tenant who may refer, one who may not, and one who forges."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    Kind,
)
from localcluster.operated import ACCOUNT
from localcluster.places import LocalClusterError
from tests.cluster.charted import Charted
from tests.cluster.support import OUTPUTS, Object, Space, condition, phase_of, plan, run_of, words, workflow

REFERENCES, RUNS = REFERENCE_LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS
#: Each has the chart's roles of an author and a launcher in her or his own namespace, and nothing elsewhere.
OWNER, FRIEND, STRANGER = "owner", "friend", "stranger"
ROLES = ("launcher", "plan-author", "workflow-author")
#: What the plan knows and nobody else: its own default, and what it fixes.
SECRETS = ("Longyearbyen", "31337")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Somebody with a namespace."""

    user: str
    space: Space

    def does(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as this person, in the own namespace."""
        return self.space.kubectl(f"--as={self.user}", *arguments, stdin=stdin)

    def makes(self, kind: Kind, name: str, spec: Object, **metadata: Any) -> Object:
        """Create an object as this person; what is refused is raised."""
        about = {"name": name, "namespace": self.space.namespace} | metadata
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": about, "spec": spec}
        made: Object = json.loads(self.does("create", "-o", "json", "-f", "-", stdin=json.dumps(body)))
        return made

    def is_refused(self, *arguments: str, stdin: str | None = None) -> str:
        """Expect that kubectl is refused, and return what is said."""
        with pytest.raises(LocalClusterError) as refused:
            self.does(*arguments, stdin=stdin)
        return str(refused.value)


@dataclass(frozen=True, slots=True)
class Town:
    """The three of them."""

    owner: Tenant
    friend: Tenant
    stranger: Tenant


@pytest.fixture
def town(charted: Charted) -> Iterator[Town]:
    """The chart with all its policies, an operator as it installs it, and a plan that allows the friend's references."""
    charted.install()
    charted.operate()
    with charted.space() as theirs, charted.space() as friends, charted.space() as strangers:
        tenants = {OWNER: theirs, FRIEND: friends, STRANGER: strangers}
        for user, space in tenants.items():
            for role in ROLES:
                space.kubectl(
                    "create", "rolebinding", f"{user}-{role}", f"--clusterrole={ACCOUNT}-{role}", f"--user={user}"
                )
        made = Town(*(Tenant(user, space) for user, space in tenants.items()))
        theirs.offer(spec=workflow(words(OUTPUTS)))
        consent = {"from": "Names", "names": [friends.namespace]}
        fixed = {"defaultInputs": {"city": SECRETS[0]}, "fixedInputs": {"days": int(SECRETS[1])}}
        made.owner.makes(LAUNCH_PLANS, "daily", plan(**fixed, allowReferencesFrom=consent))
        theirs.ready(LAUNCH_PLANS, "daily", "Active")
        yield made
        charted.end_operators()


def pointer(town: Town, name: str = "daily") -> Object:
    """Return the spec of a reference to the plan, or to none."""
    typed = {"inputs": [{"name": "city", "type": "string"}], "outputs": [{"name": "rows", "type": "integer"}]}
    return {"namespace": town.owner.space.namespace, "name": name} | typed


def through(**spec: Any) -> Object:
    """Return the spec of a run through a reference."""
    return run_of("theirs", "ReferenceLaunchPlan", **spec)


def all_that_is_seen(tenant: Tenant) -> str:
    """Return everything of ours in a tenant's namespace, events too, as the tenant sees it."""
    kinds = ",".join(f"{kind.plural}.{kind.group}" for kind in (REFERENCES, RUNS, LAUNCH_PLANS))
    return tenant.does("get", kinds, "-o", "json") + tenant.space.kubectl("get", "events", "-o", "json")


def test_one_who_may_refer_runs_the_plan_and_learns_none_of_its_values(town: Town) -> None:
    """By roles in the own namespace alone: nothing in the plan's may be read, or written, as a person."""
    town.friend.makes(REFERENCES, "theirs", pointer(town))
    town.friend.space.ready(REFERENCES, "theirs", "Resolved")
    town.friend.makes(RUNS, "asked", through(inputs={"city": "Oslo"}))
    town.friend.makes(RUNS, "by-default", through())
    for name in ("asked", "by-default"):
        assert town.friend.space.ended(name)["status"]["outputs"] == OUTPUTS
    seen = all_that_is_seen(town.friend)
    assert not [secret for secret in SECRETS if secret in seen]
    there = town.owner.space.namespace
    for verb, kind in (("get", "lp"), ("get", "lpx"), ("get", "jobs"), ("get", "pods"), ("delete", "lpx")):
        words_ = (kind, "--all") if verb == "delete" else (kind,)
        assert "forbidden" in town.friend.is_refused(verb, *words_, "-n", there)
    remote = town.owner.space.all(RUNS)[0]
    assert remote["status"]["origin"]["requester"]["namespace"] == town.friend.space.namespace
    pod = town.owner.space.pods_of(remote["metadata"]["name"])[0]
    assert pod["spec"]["serviceAccountName"] == "default", "the plan's identity, not the caller's"


def test_one_who_may_not_learns_nothing_and_starts_nothing(town: Town) -> None:
    """A plan that is there reads as one that is not, to the last word, in the reference, its events and its runs."""
    for name, target in (("theirs", "daily"), ("absent", "nothing")):
        town.stranger.makes(REFERENCES, name, pointer(town, target))
        town.stranger.space.waiting(REFERENCES, name, "TargetUnavailable")
    town.stranger.makes(RUNS, "asked", through())
    town.stranger.makes(RUNS, "vain", run_of("absent", "ReferenceLaunchPlan"))
    told = {}
    for name in ("asked", "vain"):
        run = town.stranger.space.until(RUNS, name, lambda obj: phase_of(obj) == "Queued")
        told[name] = condition(run, "Ready")["message"]
    assert told["asked"].replace("theirs", "absent").replace("/daily", "/nothing") == told["vain"]
    shown = {
        name: {field: value for field, value in condition(town.stranger.space.read(REFERENCES, name), "Ready").items()
               if field != "lastTransitionTime"}
        for name in ("theirs", "absent")
    }  # fmt: skip
    assert str(shown["theirs"]).replace("/daily", "/nothing") == str(shown["absent"])
    assert "resolved" not in town.stranger.space.read(REFERENCES, "theirs")["status"]
    seen = all_that_is_seen(town.stranger)
    version = town.owner.space.read(LAUNCH_PLANS, "daily")["status"]["activeVersion"]
    assert not [word for word in (*SECRETS, version, '"report"') if word in seen]
    assert (town.owner.space.names(RUNS), town.owner.space.names(JOBS)) == (set(), set())
    told_there = town.owner.space.until(LAUNCH_PLANS, "daily", lambda obj: "references" in obj["status"])
    place = {"namespace": town.stranger.space.namespace, "name": "theirs", "allowed": False}
    assert told_there["status"]["references"] == {"count": 1, "refused": 1, "from": [place]}


def test_one_who_forges_is_refused_on_either_side(town: Town) -> None:
    """Neither labels, nor names, nor statuses, nor versions of ours may be written, whoever has the chart's roles."""
    town.friend.makes(REFERENCES, "theirs", pointer(town))
    town.friend.space.ready(REFERENCES, "theirs", "Resolved")
    asked = town.friend.makes(RUNS, "asked", through())
    town.friend.space.ended("asked")
    uid = asked["metadata"]["uid"]
    marks = {
        "launchplan.dev/from-namespace": town.friend.space.namespace,
        "launchplan.dev/from-reference": "theirs",
        "launchplan.dev/from-execution": "asked",
        "launchplan.dev/from-uid": uid,
    }
    for tenant in (town.owner, town.stranger):
        named = {"apiVersion": RUNS.api_version, "kind": RUNS.kind, "spec": run_of("daily")}
        name = f"ref-{uid[:-4]}0000"
        forged = json.dumps(named | {"metadata": {"name": name}})
        assert "operator" in tenant.is_refused("create", "-f", "-", stdin=forged)
        labelled = json.dumps(named | {"metadata": {"name": "plain", "labels": marks}})
        assert "operator" in tenant.is_refused("create", "-f", "-", stdin=labelled)
    town.stranger.makes(REFERENCES, "theirs", pointer(town))
    town.stranger.makes(RUNS, "spy", through())
    remote = town.friend.space.read(RUNS, "asked")["status"]["remote"]
    for kind, name, status in (
        ("rlp", "theirs", {"resolved": None}),
        ("lpx", "spy", {"remote": remote}),
        ("lpx", "spy", {"phase": "Succeeded"}),
    ):
        patch = ("patch", kind, name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        assert "forbidden" in town.stranger.is_refused(*patch)
    assert "forbidden" in town.stranger.is_refused(
        "get", f"{CONTROLLER_REVISIONS.plural}.apps", "-n", remote["namespace"]
    )
    assert len(town.owner.space.names(JOBS)) == 1, "the friend's, and no other"


def test_consent_that_is_withdrawn_shuts_the_door_behind_it(town: Town) -> None:
    """What the friend saw last stays in the own status; nothing starts any more, and the door tells nothing."""
    town.friend.makes(REFERENCES, "theirs", pointer(town))
    before = town.friend.space.ready(REFERENCES, "theirs", "Resolved")["status"]["resolved"]
    consent = {"spec": {"allowReferencesFrom": {"from": "Same", "names": None}}}
    town.owner.does("patch", "lp", "daily", "--type=merge", "-p", json.dumps(consent))
    shut = town.friend.space.waiting(REFERENCES, "theirs", "TargetUnavailable")
    assert shut["status"]["resolved"] == before
    town.friend.makes(RUNS, "late", through())
    town.friend.space.until(RUNS, "late", lambda obj: phase_of(obj) == "Queued")
    town.owner.does(
        "patch", "lp", "daily", "--type=merge", "-p", json.dumps({"spec": {"defaultInputs": {"city": "Rome"}}})
    )
    town.owner.space.until(LAUNCH_PLANS, "daily", lambda obj: len(obj["status"]["versions"]) == 2)
    assert town.friend.space.read(REFERENCES, "theirs")["status"]["resolved"] == before, "of what comes later nothing"
    assert town.owner.space.names(RUNS) == set()
