"""What the chart renders, by default and with each option."""

import json
from dataclasses import fields
from typing import Any

import pytest
import yaml

from launchplan_operator import __version__
from launchplan_operator.api.crd import build_crds
from launchplan_operator.settings import Settings, read_settings
from localcluster.charts import Helm
from localcluster.operated import CHART, CLUSTER_RULES, LEASE_ROLE, ROLE
from tests.chart.rendering import CLUSTER_WIDE, Object, Render, environment, names, of_kind, pod_of, the

POLICIES = sorted(path.stem for path in (CHART / "files" / "policies").glob("*.yaml"))
#: Each setting by another value than its default; `in_cluster` is what Kubernetes itself says.
CHOSEN = {
    "namespaces": ["--set", "watchNamespaces={team-a,team-b}"],
    "workers": ["--set", "settings.workers=7"],
    "connections": ["--set", "settings.connections=9"],
    "request_timeout": ["--set", "settings.requestTimeout=2"],
    "health_port": ["--set", "settings.healthPort=9090"],
    "metrics_namespaces": ["--set", "settings.metricsNamespaces=3"],
    "log_level": ["--set", "settings.logLevel=DEBUG"],
    "context": ["--set-json", 'extraEnv=[{"name":"KUBECONFIG","value":"/etc/k"}]', "--set", "settings.context=far"],
    "leader_election": ["--set", "leaderElection.enabled=false,replicas=1"],
    "lease_name": ["--set", "leaderElection.leaseName=blue"],
    "lease_namespace": ["--namespace", "elsewhere"],
    "defaults": ["--set-json", 'settings.defaults={"timeout":"2h","annotations":{"note":"a \\"b\\""}}'],
}


@pytest.fixture(scope="module")
def default(render: Render) -> list[Object]:
    """The chart without any value."""
    return render()


def test_the_linter_finds_nothing(helm: Helm) -> None:
    """Not even something to recommend but an icon."""
    said = helm("lint", "--strict", str(CHART))
    assert [line for line in said.splitlines() if line.startswith("[")] == ["[INFO] Chart.yaml: icon is recommended"]


def test_the_chart_has_the_version_of_the_operator() -> None:
    """Which image it runs by default is that version's."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_by_default_there_is_all_that_a_cluster_needs(default: list[Object]) -> None:
    """And nothing that needs something else to be installed."""
    assert {(each["kind"], each["metadata"]["name"]) for each in default} == {
        *(("CustomResourceDefinition", crd["metadata"]["name"]) for crd in build_crds()),
        *((kind, f"lp-launchplan-operator-{policy}") for kind in _POLICY_KINDS for policy in POLICIES),
        *(("ClusterRole", f"lp-launchplan-operator{suffix}") for suffix in ("", *_PEOPLE)),
        ("ClusterRoleBinding", "lp-launchplan-operator"),
        ("Role", "lp-launchplan-operator-lease"),
        ("RoleBinding", "lp-launchplan-operator-lease"),
        ("ServiceAccount", "lp-launchplan-operator"),
        ("Deployment", "lp-launchplan-operator"),
        ("PodDisruptionBudget", "lp-launchplan-operator"),
        ("Service", "lp-launchplan-operator"),
    }


_POLICY_KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_PEOPLE = ("-view", "-launcher", "-plan-author", "-workflow-author")


def test_every_object_bears_the_common_labels_and_its_namespace(render: Render) -> None:
    """With every option on; so that all of a release is found by one selector."""
    for each in render("--set", "networkPolicy.enabled=true,serviceMonitor.enabled=true"):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "launchplan-operator"
        assert labels["app.kubernetes.io/instance"] == "lp"
        # Ours is what the operator itself makes: it must not take the release for that.
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"].startswith("launchplan-operator-")
        assert each["metadata"].get("namespace") == (None if each["kind"] in CLUSTER_WIDE else "ops")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], "lp-launchplan-operator", id="the release's and the chart's"),
        pytest.param(["--name-template", "launchplan-operator"], "launchplan-operator", id="one that says it already"),
        pytest.param(["--set", "nameOverride=plans"], "lp-plans", id="another in the chart's place"),
        pytest.param(["--set", "fullnameOverride=plans"], "plans", id="another"),
    ],
)
def test_a_release_has_one_name(helm: Helm, arguments: list[str], expected: str) -> None:
    """All objects are called by it."""
    release = [] if "--name-template" in arguments else ["lp"]
    text = helm("template", *release, str(CHART), "--namespace", "ops", *arguments)
    objects = [each for each in yaml.load_all(text, yaml.CSafeLoader) if each]
    own = [each for each in objects if each["kind"] != "CustomResourceDefinition"]
    assert {each["metadata"]["name"].removeprefix(expected)[:1] for each in own} <= {"", "-"}
    assert names(objects, "Deployment") == {expected}
    assert environment(objects)["LAUNCHPLAN_OPERATOR_LEASE_NAME"] == expected


@pytest.mark.parametrize("setting", [each.name for each in fields(Settings) if each.name != "in_cluster"])
def test_every_setting_is_reached_by_a_value(render: Render, default: list[Object], setting: str) -> None:
    """And no other changes with it; one that the chart does not know yet fails here."""
    before = read_settings(environment(default))
    after = read_settings(environment(render(*CHOSEN[setting])))
    changed = [each.name for each in fields(Settings) if getattr(before, each.name) != getattr(after, each.name)]
    assert changed == [setting]


def test_by_default_the_settings_are_the_operators_own(default: list[Object]) -> None:
    """But for those that a pod needs."""
    chosen = {"leader_election": True, "lease_name": "lp-launchplan-operator", "lease_namespace": "ops"}
    given = read_settings(environment(default))
    assert {each.name: getattr(given, each.name) for each in fields(Settings)} == {
        each.name: chosen.get(each.name, getattr(Settings(), each.name)) for each in fields(Settings)
    }


def test_the_crds_are_those_of_the_models_and_outlive_the_release(default: list[Object]) -> None:
    """To the last digit of their largest number."""
    rendered = of_kind(default, "CustomResourceDefinition")
    for each in rendered:
        assert each["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        del each["metadata"]["labels"]
    assert sorted(rendered, key=_name) == sorted(build_crds(), key=_name)


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def test_the_crds_may_go_with_the_release_or_be_somebody_elses(render: Render) -> None:
    """By two values."""
    going = of_kind(render("--set", "crds.keep=false"), "CustomResourceDefinition")
    assert [each["metadata"].get("annotations") for each in going] == [None] * 4
    assert of_kind(render("--set", "crds.enabled=false"), "CustomResourceDefinition") == []


def rules(text: str) -> Any:
    """Return the rules of a file."""
    return yaml.safe_load(text)["rules"]


def test_the_operators_rights_are_those_of_its_tests(render: Render) -> None:
    """The files that the cluster tests run it under, with the release's own Lease."""
    objects = render("--set", "leaderElection.leaseName=blue")
    own = next(each for each in of_kind(objects, "ClusterRole") if _name(each) == "lp-launchplan-operator")
    assert own["rules"] == rules(ROLE.read_text() + CLUSTER_RULES.read_text())
    assert "namespaces" in own["rules"][-1]["resources"]
    expected = LEASE_ROLE.read_text().replace("[launchplan-operator]", "[blue]")
    assert the(objects, "Role")["rules"] == rules(expected)
    assert the(objects, "Role")["rules"] != rules(LEASE_ROLE.read_text())


def test_served_namespaces_are_all_that_the_operator_has_rights_in(render: Render) -> None:
    """By Roles; no binding of it is one of the cluster."""
    objects = render("--set", "watchNamespaces={team-a,team-b}")
    assert names(objects, "ClusterRole") == {f"lp-launchplan-operator{suffix}" for suffix in _PEOPLE}
    assert of_kind(objects, "ClusterRoleBinding") == []
    roles = {(each["metadata"]["namespace"], _name(each)): each["rules"] for each in of_kind(objects, "Role")}
    assert roles == {
        ("team-a", "lp-launchplan-operator"): rules(ROLE.read_text()),
        ("team-b", "lp-launchplan-operator"): rules(ROLE.read_text()),
        ("ops", "lp-launchplan-operator-lease"): roles["ops", "lp-launchplan-operator-lease"],
    }
    bound = {(each["metadata"]["namespace"], each["roleRef"]["name"]) for each in of_kind(objects, "RoleBinding")}
    assert bound == set(roles)
    subjects = [subject for each in of_kind(objects, "RoleBinding") for subject in each["subjects"]]
    account = {"kind": "ServiceAccount", "name": "lp-launchplan-operator", "namespace": "ops"}
    assert subjects == [account] * 3


def test_served_namespaces_need_nothing_of_the_cluster(render: Render) -> None:
    """With what belongs to a cluster installed by somebody else."""
    parts = "crds.enabled=false,roles.enabled=false,policies.enabled=false"
    objects = render("--set", "watchNamespaces={team-a}", "--set", parts)
    assert {each["kind"] for each in objects} & CLUSTER_WIDE == set()


def test_policies_hold_where_the_operator_serves(render: Render) -> None:
    """Everywhere, or in the served namespaces only."""
    scope = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}]}
    everywhere = of_kind(render(), "ValidatingAdmissionPolicyBinding")
    assert ["matchResources" in each["spec"] for each in everywhere] == [False] * len(POLICIES)
    somewhere = of_kind(render("--set", "watchNamespaces={a,b}"), "ValidatingAdmissionPolicyBinding")
    assert [each["spec"]["matchResources"]["namespaceSelector"] for each in somewhere] == [scope] * len(POLICIES)


def test_policies_know_the_operator_and_who_else_is_exempt(render: Render) -> None:
    """By the release's own names: none of those in the files is left."""
    exempt = json.dumps({"users": ["velero"], "groups": ["restorers"]})
    objects = render("--set-json", f"policies.exempt={exempt}", "--set", "serviceAccount.name=robot")
    found = [each for each in objects if each["kind"].startswith("ValidatingAdmission")]
    text = json.dumps(found)
    assert "launchplan-system" not in text
    assert "system:masters" not in text
    conditions = [
        condition["expression"]
        for each in of_kind(found, "ValidatingAdmissionPolicy")
        for condition in each["spec"].get("matchConditions", ())
        if condition["name"] == "by-others"
    ]
    assert len(conditions) == 4
    for each in conditions:
        assert '["system:serviceaccount:ops:robot","velero"]' in each
        assert '["restorers"]' in each
    bound = {_name(each): each["spec"]["policyName"] for each in of_kind(found, _POLICY_KINDS[1])}
    assert bound == {name: name for name in names(found, _POLICY_KINDS[0])}


def test_a_pod_may_do_only_what_restricted_pods_may(default: list[Object]) -> None:
    """As the strictest of Kubernetes' Pod Security Standards has it, and its root file system is read-only."""
    pod = pod_of(default)["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(pod) == set()


def test_a_pod_is_asked_for_its_health_where_metrics_are_read(render: Render) -> None:
    """On one port, whichever it is."""
    objects = render("--set", "settings.healthPort=9090")
    (container,) = pod_of(objects)["spec"]["containers"]
    assert container["ports"] == [{"name": "metrics", "containerPort": 9090, "protocol": "TCP"}]
    probes = {each: container[f"{each}Probe"]["httpGet"] for each in ("startup", "liveness", "readiness")}
    livez, readyz = {"path": "/livez", "port": "metrics"}, {"path": "/readyz", "port": "metrics"}
    assert probes == {"startup": livez, "liveness": livez, "readiness": readyz}
    assert the(objects, "Service")["spec"]["ports"][0]["port"] == 9090


def test_replicas_are_spread_and_protected(default: list[Object]) -> None:
    """A drained node or zone takes one of two; an update makes the new one before it takes an old one."""
    spec = the(default, "Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    budget = the(default, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    for selector in (spec["selector"], budget["selector"], *(each["labelSelector"] for each in spread)):
        assert selector["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param("image.repository=r.io/x", f"r.io/x:{__version__}", id="a repository"),
        pytest.param("image.tag=v2", "launchplan-operator:v2", id="a tag"),
        pytest.param(
            f"image.digest=sha256:{'0' * 64}", f"launchplan-operator:{__version__}@sha256:{'0' * 64}", id="a digest"
        ),
    ],
)
def test_the_image_is_named_by(render: Render, arguments: str, expected: str) -> None:
    """Repository, tag and digest."""
    (container,) = pod_of(render("--set", arguments))["spec"]["containers"]
    assert container["image"] == expected


LIMITS = {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "256Mi"}}
#: A value, what is given, where it goes in a pod, and what is there then.
OF_PODS: list[tuple[str, object, tuple[str | int, ...], object]] = [
    ("priorityClassName", "system-cluster-critical", ("priorityClassName",), "system-cluster-critical"),
    ("nodeSelector", {"a": "b"}, ("nodeSelector",), {"a": "b"}),
    ("tolerations", [{"key": "a"}], ("tolerations",), [{"key": "a"}]),
    ("affinity", {"nodeAffinity": {}}, ("affinity",), {"nodeAffinity": {}}),
    ("terminationGracePeriodSeconds", 5, ("terminationGracePeriodSeconds",), 5),
    ("serviceAccount.name", "x", ("serviceAccountName",), "x"),
    ("image.pullSecrets", ["a"], ("imagePullSecrets",), [{"name": "a"}]),
    ("image.pullPolicy", "Always", ("containers", 0, "imagePullPolicy"), "Always"),
    ("resources.limits.memory", "1Gi", ("containers", 0, "resources"), LIMITS),
    ("spreadOver", [], ("topologySpreadConstraints",), None),
    ("extraEnv", [{"name": "TZ", "value": "UTC"}], ("containers", 0, "env", -1), {"name": "TZ", "value": "UTC"}),
]


@pytest.mark.parametrize(("value", "given", "path", "expected"), OF_PODS, ids=[row[0] for row in OF_PODS])
def test_a_pod_gets_what_a_value_says(
    render: Render, value: str, given: object, path: tuple[str | int, ...], expected: object
) -> None:
    """As it is."""
    found = pod_of(render("--set-json", f"{value}={json.dumps(given)}"))["spec"]
    for each in path:
        found = found.get(each) if isinstance(found, dict) else found[each]
    assert found == expected


def test_labels_and_annotations_are_added(render: Render) -> None:
    """To pods, the account, the Service."""
    said = "podLabels.a=b,podAnnotations.c=d,serviceAccount.annotations.e=f,service.annotations.g=h"
    objects = render("--set", said)
    metadata = pod_of(objects)["metadata"]
    assert metadata["labels"]["a"] == "b"
    assert metadata["annotations"] == {"c": "d"}
    assert the(objects, "ServiceAccount")["metadata"]["annotations"] == {"e": "f"}
    assert the(objects, "Service")["metadata"]["annotations"] == {"g": "h"}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param("serviceAccount.create=false,serviceAccount.name=x", "ServiceAccount", id="the account"),
        pytest.param("podDisruptionBudget.enabled=false", "PodDisruptionBudget", id="the budget"),
        pytest.param("replicas=1", "PodDisruptionBudget", id="the budget of one pod, which would keep its node"),
        pytest.param("service.enabled=false", "Service", id="the Service"),
        pytest.param("policies.enabled=false", "ValidatingAdmissionPolicy", id="the policies"),
        pytest.param("policies.enabled=false", "ValidatingAdmissionPolicyBinding", id="their bindings"),
        pytest.param("leaderElection.enabled=false,replicas=1", "Role", id="the right to a Lease"),
    ],
)
def test_what_can_be_left_out(render: Render, value: str, kind: str) -> None:
    """By a value."""
    assert of_kind(render("--set", value), kind) == []


def test_a_network_policy_lets_through_what_the_operator_needs(render: Render) -> None:
    """Its metrics in; the API server and names out."""
    said = ["--set", "networkPolicy.enabled=true", "--set-json", 'networkPolicy.from=[{"podSelector":{}}]']
    spec = the(render(*said, "--set", "networkPolicy.apiServerPorts={8443}"), "NetworkPolicy")["spec"]
    assert spec["ingress"] == [{"ports": [{"port": "metrics", "protocol": "TCP"}], "from": [{"podSelector": {}}]}]
    assert [[each["port"] for each in rule["ports"]] for rule in spec["egress"]] == [[8443], [53, 53]]


def test_a_service_monitor_selects_the_service(render: Render) -> None:
    """By labels and by the name of its port."""
    objects = render("--set", "serviceMonitor.enabled=true,serviceMonitor.labels.team=x,serviceMonitor.interval=5s")
    monitor, service = the(objects, "ServiceMonitor"), the(objects, "Service")
    assert monitor["metadata"]["labels"]["team"] == "x"
    endpoint = {"port": "metrics", "path": "/metrics", "interval": "5s", "honorLabels": True}
    assert monitor["spec"]["endpoints"] == [endpoint]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["name"] == "metrics"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            [], ["serves all namespaces", "rollout status deployment/lp-launchplan-operator"], id="what to do"
        ),
        pytest.param(["--set", "watchNamespaces={a,b}"], ["serves the namespaces a, b"], id="what is served"),
        pytest.param(["--set", "crds.keep=false"], ["deletes every plan"], id="that data go with the release"),
        pytest.param(["--set", "policies.enabled=false"], ["nobody keeps people from"], id="that nothing is refused"),
        pytest.param(["--set", "replicas=1"], ["With 1 replica nothing but CronJobs works"], id="that one is one"),
        pytest.param(["--set", "replicas=0"], ["With 0 replicas nothing works"], id="that none is none"),
    ],
)
def test_the_notes_tell(helm: Helm, arguments: list[str], words: list[str]) -> None:
    """What to do next, and what a value costs."""
    told = helm("install", "lp", str(CHART), "--namespace", "ops", "--dry-run=client", *arguments)
    notes = told.partition("NOTES:")[2]
    assert [word for word in words if word not in notes] == []
