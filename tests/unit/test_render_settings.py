"""Run settings on a Job: beside the author's template, and nothing of them in what the author wrote."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.settings import EnvVar, Interruptible, RunSettings, SecretUse
from launchplan_operator.api.template import is_reserved_env
from launchplan_operator.render.job import JobContent, render_job_metadata, render_job_spec
from tests.unit.strategies import TEXTS

TEMPLATE: dict[str, Any] = {
    "parallelism": 8,
    "template": {
        "metadata": {"labels": {"team": "a", "tier": "b"}, "annotations": {"note": "c"}},
        "spec": {
            "serviceAccountName": "author",
            "nodeSelector": {"os": "linux", "pool": "any"},
            "tolerations": [{"key": "gpu"}],
            "initContainers": [{"name": "init", "image": "i", "args": ["$(MODE)"], "env": [{"name": "MODE"}]}],
            "containers": [
                {
                    "name": "main",
                    "image": "m",
                    "command": ["run", "$(MODE)"],
                    "args": ["$(LP_INPUT_CITY)"],
                    "env": [{"name": "MODE", "value": "slow"}, {"name": "OTHER", "value": "$(MODE)"}],
                }
            ],
        },
    },
}
CONTENT = JobContent(
    template=TEMPLATE,
    launcher=("launchplan.dev/plan", "report"),
    version="v1",
    launcher_uid="plan-uid",
    workflow=("etl", "w1"),
    inputs={"city": "oslo"},
    container="main",
)
SECRET = SecretUse(name="db", key="password", env="DB_PASSWORD")
FILES = (SecretUse(name="tls", key="tls.key", file="key.pem"), SecretUse(name="ca", key="ca.crt", file="ca.pem"))


def spec_with(placement: Interruptible | None = None, **settings: Any) -> dict[str, Any]:
    """Return the Job's spec under settings."""
    return render_job_spec(replace(CONTENT, settings=RunSettings(**settings), placement=placement))


def pod_with(placement: Interruptible | None = None, **settings: Any) -> Any:
    """Return the pod's spec under settings."""
    return spec_with(placement, **settings)["template"]["spec"]


def environment(pod: Any) -> list[dict[str, Any]]:
    """Return the main container's variables but those of every run, which come first."""
    env: list[dict[str, Any]] = pod["containers"][0]["env"]
    assert [entry["name"] for entry in env[:6]] == [
        "LP_INPUT_CITY", "LAUNCHPLAN_INPUTS", "LAUNCHPLAN_NAME", "LAUNCHPLAN_VERSION", "LAUNCHPLAN_EXECUTION",
        "LAUNCHPLAN_NAMESPACE",
    ]  # fmt: skip
    return env[6:]


def test_without_settings_the_template_stays_as_it_is() -> None:
    """Its own account, places, parallelism, deadline, labels and variables."""
    spec = spec_with()
    pod, author = spec["template"]["spec"], TEMPLATE["template"]["spec"]
    assert spec["parallelism"] == 8
    assert "activeDeadlineSeconds" not in spec
    assert {key: pod[key] for key in ("serviceAccountName", "nodeSelector", "tolerations")} == {
        "serviceAccountName": "author", "nodeSelector": {"os": "linux", "pool": "any"}, "tolerations": [{"key": "gpu"}],
    }  # fmt: skip
    assert environment(pod) == author["containers"][0]["env"]
    assert [volume["name"] for volume in pod["volumes"]] == ["launchplan-inputs"]


def test_variables_stand_between_ours_and_the_authors_and_take_the_place_of_a_name() -> None:
    """They may refer to ours and the author's to them; values are as they are, in every container."""
    pod = pod_with(env=(EnvVar(name="MODE", value="$(LP_INPUT_CITY)"), EnvVar(name="EMPTY")))
    assert environment(pod) == [
        {"name": "MODE", "value": "$(LP_INPUT_CITY)"},
        {"name": "EMPTY", "value": ""},
        {"name": "OTHER", "value": "$(MODE)"},
    ]
    assert [entry["name"] for entry in pod["initContainers"][0]["env"][6:]] == ["MODE", "EMPTY"]


def test_a_secret_becomes_a_variable_by_reference() -> None:
    """Its value is nowhere on the Job; of a secret and a value of one name the secret holds."""
    pod = pod_with(secrets=(SECRET, *FILES), env=(EnvVar(name="DB_PASSWORD", value="x"), EnvVar(name="URL")))
    assert environment(pod)[:2] == [
        {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "URL", "value": ""},
    ]


def test_secrets_become_files_of_one_volume() -> None:
    """Mounted to be read only, in every container; without files there is no volume."""
    pod = pod_with(secrets=(SECRET, *FILES))
    assert pod["volumes"][1:] == [
        {
            "name": "launchplan-secrets",
            "projected": {
                "sources": [
                    {"secret": {"name": "tls", "items": [{"key": "tls.key", "path": "key.pem"}]}},
                    {"secret": {"name": "ca", "items": [{"key": "ca.crt", "path": "ca.pem"}]}},
                ]
            },
        }
    ]
    mount = {"name": "launchplan-secrets", "mountPath": "/etc/launchplan-secrets", "readOnly": True}
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["volumeMounts"][1:] == [mount]
    assert len(pod_with(secrets=(SECRET,))["volumes"]) == 1


def test_an_account_takes_the_authors_place() -> None:
    """The workflow allowed it."""
    assert pod_with(service_account="loader")["serviceAccountName"] == "loader"


def test_an_interruptible_pod_lands_where_the_workflow_says() -> None:
    """Beside what the template says, and instead of it where both name one label."""
    placement = Interruptible(node_selector={"pool": "spot"}, tolerations=({"key": "spot", "operator": "Exists"},))
    pod = pod_with(placement)
    assert pod["nodeSelector"] == {"os": "linux", "pool": "spot"}
    assert pod["tolerations"] == [{"key": "gpu"}, {"key": "spot", "operator": "Exists"}]
    pod["tolerations"][1]["key"] = "changed"
    assert placement.tolerations[0]["key"] == "spot"


@pytest.mark.parametrize(
    ("own", "cap", "expected"),
    [
        pytest.param(8, 3, 3, id="a cap below the template's number lowers it"),
        pytest.param(2, 3, 2, id="a cap above it does not raise it"),
        pytest.param(8, None, 8, id="without a cap the template's number stands"),
        pytest.param(None, 3, None, id="none is one at a time, which no cap is below"),
        pytest.param(0, 3, 0, id="none at all is the author's choice"),
    ],
)
def test_parallelism_is_capped(own: int | None, cap: int | None, expected: int | None) -> None:
    """The author knows how many can work at once, the plan how many may."""
    made = render_job_spec(
        replace(CONTENT, template=TEMPLATE | {"parallelism": own}, settings=RunSettings(max_parallelism=cap))
    )
    assert made["parallelism"] == expected


def test_a_program_learns_its_cap_from_an_annotation() -> None:
    """So that templates of one plan differ in annotations only."""
    template = spec_with(max_parallelism=3)["template"]
    assert template["metadata"]["annotations"]["launchplan.dev/max-parallelism"] == "3"
    reference = {"fieldRef": {"fieldPath": "metadata.annotations['launchplan.dev/max-parallelism']"}}
    assert environment(template["spec"])[0] == {"name": "LAUNCHPLAN_MAX_PARALLELISM", "valueFrom": reference}


def test_kubernetes_composes_the_address_of_large_outputs() -> None:
    """From variables above it, so that a CronJob's template serves each of its runs."""
    template = spec_with(output_prefix="s3://bucket/$(HOME)")["template"]
    assert template["metadata"]["annotations"]["launchplan.dev/raw-output-prefix"] == "s3://bucket/$(HOME)"
    reference = {"fieldRef": {"fieldPath": "metadata.annotations['launchplan.dev/raw-output-prefix']"}}
    base = "LAUNCHPLAN_RAW_OUTPUT_BASE"
    assert environment(template["spec"])[:2] == [
        {"name": base, "valueFrom": reference},
        {"name": "LAUNCHPLAN_RAW_OUTPUT_PREFIX",
         "value": f"$({base})/$(LAUNCHPLAN_NAMESPACE)/$(LAUNCHPLAN_EXECUTION)"},
    ]  # fmt: skip
    env = [entry["name"] for entry in template["spec"]["containers"][0]["env"]]
    assert env.index("LAUNCHPLAN_RAW_OUTPUT_PREFIX") > max(map(env.index, ("LAUNCHPLAN_EXECUTION", base)))


def test_the_root_is_a_prefix_too() -> None:
    """Only where no level has one there is no variable."""
    names = [entry["name"] for entry in environment(pod_with(output_prefix=""))]
    assert "LAUNCHPLAN_RAW_OUTPUT_PREFIX" in names
    assert "LAUNCHPLAN_RAW_OUTPUT_PREFIX" not in [entry["name"] for entry in environment(pod_with())]


def test_labels_and_annotations_reach_the_pod_as_far_as_they_are_allowed() -> None:
    """There they take the author's place, who allowed it, and never ours."""
    settings = RunSettings(
        labels={"team": "z", "cost": "x"},
        annotations={"owner": "y"},
        pod_labels={"team": "z", "launchplan.dev/plan": "stolen"},
        pod_annotations={"note": "n", "launchplan.dev/inputs": "stolen"},
    )
    content = replace(CONTENT, settings=settings)
    job, pod = render_job_metadata(content), render_job_spec(content)["template"]["metadata"]
    assert (job["labels"]["cost"], job["annotations"]["owner"]) == ("x", "y")
    assert (pod["labels"]["team"], pod["labels"]["tier"], pod["labels"]["launchplan.dev/plan"]) == ("z", "b", "report")
    assert (pod["annotations"]["note"], pod["annotations"]["launchplan.dev/inputs"]) == ("n", "{}")
    assert "cost" not in pod["labels"]
    assert "owner" not in pod["annotations"]


ENV_NAMES = st.sampled_from(["MODE", "OTHER", "A", "LAUNCHPLAN", "LP_INPUT"])
USES = st.builds(SecretUse, name=st.just("s"), key=st.just("k"), env=ENV_NAMES)
SETTINGS = st.builds(
    RunSettings,
    labels=st.dictionaries(TEXTS, TEXTS),
    pod_labels=st.dictionaries(TEXTS, TEXTS),
    pod_annotations=st.dictionaries(TEXTS, TEXTS),
    env=st.lists(st.builds(EnvVar, name=ENV_NAMES, value=TEXTS), max_size=3, unique_by=lambda var: var.name),
    service_account=st.none() | st.just("a"),
    secrets=st.lists(USES, max_size=2, unique_by=lambda use: use.env),
    max_parallelism=st.none() | st.integers(1, 10),
    output_prefix=st.none() | TEXTS,
    timeout=st.none() | st.integers(1, 10),
)
PLACEMENTS = st.none() | st.builds(Interruptible, node_selector=st.dictionaries(TEXTS, TEXTS))


@given(SETTINGS, PLACEMENTS)
def test_no_setting_changes_what_the_author_runs(settings: RunSettings, placement: Interruptible | None) -> None:
    """Image, command and arguments are the template's; every name of ours is ours and stands once."""
    before = deepcopy(TEMPLATE)
    made = render_job_spec(replace(CONTENT, settings=settings, placement=placement))
    assert before == TEMPLATE
    plain = spec_with()["template"]["spec"]
    reserved = {entry["name"] for entry in plain["containers"][0]["env"] if is_reserved_env(entry["name"])}
    for kind in ("initContainers", "containers"):
        for mine, authors in zip(made["template"]["spec"][kind], TEMPLATE["template"]["spec"][kind], strict=True):
            assert {key: mine.get(key) for key in ("name", "image", "command", "args")} == {
                key: authors.get(key) for key in ("name", "image", "command", "args")
            }
            names = [entry["name"] for entry in mine["env"]]
            assert len(set(names)) == len(names)
            own = [entry for entry in mine["env"] if is_reserved_env(entry["name"])]
            assert reserved <= {entry["name"] for entry in own}
            assert all("value" not in entry or entry["value"].startswith("$(LAUNCHPLAN_") for entry in own)


@given(SETTINGS.filter(lambda settings: settings.output_prefix is not None), TEXTS)
def test_the_value_of_a_prefix_stands_in_annotations_alone(settings: RunSettings, prefix: str) -> None:
    """Whatever it holds, no text of it is substituted."""
    first, second = (
        render_job_spec(replace(CONTENT, settings=each)) for each in (settings, replace(settings, output_prefix=prefix))
    )
    for made in (first, second):
        made["template"]["metadata"].pop("annotations")
    assert first == second
