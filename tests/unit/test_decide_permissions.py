"""What a workflow lets others ask for: nothing but what its author listed, and never what is Kubernetes' or ours."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.settings import Allow, EnvVar, Identity, RunSettings, SecretUse
from launchplan_operator.decide.permissions import (
    Ask,
    Grant,
    asked_settings,
    check_permissions,
    matches_any,
    permit_settings,
    pod_metadata,
)
from launchplan_operator.decide.settings import Chosen, Level, ResolvedSettings

SECRET = SecretUse(name="db", key="password", env="DB_PASSWORD")
FILE = SecretUse(name="tls", key="tls.key", file="tls.key")
ASKED = Identity(service_account_name="loader", secrets=(SECRET, FILE))
ALL = Allow(service_accounts=("*",), secrets=("*",), env=("*",), pod_labels=("*",), pod_annotations=("*",))


def resolved(level: Level = Level.Run, **changes: Any) -> ResolvedSettings:
    """Return settings of one level; `env` and `identity` are its values."""
    nothing: dict[str, Any] = {
        "labels": {}, "annotations": {}, "interruptible": None, "max_parallelism": None, "output_prefix": None,
        "timeout": None, "env": (), "identity": Identity(),
    }  # fmt: skip
    values = nothing | changes
    return ResolvedSettings(**values | {name: Chosen(values[name], level) for name in ("env", "identity")})


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("LOG_LEVEL", "LOG_LEVEL", True),
        ("LOG_LEVEL", "LOG_LEVELS", False),
        ("LOG_LEVEL", "log_level", False),
        ("LOG_*", "LOG_", True),
        ("LOG_*", "LOG_LEVEL", True),
        ("LOG_*", "MY_LOG_LEVEL", False),
        ("*_LEVEL", "LOG_LEVEL", True),
        ("*_LEVEL", "LOG_LEVEL_2", False),
        ("A*A", "A", False),
        ("A*A", "AA", True),
        ("*", "anything", True),
        ("**", "anything", True),
        ("a*b*c", "a-c-b", False),
        ("a*b*c", "abc", True),
        ("a*bc*bc", "abcXbc", True),
        ("a*bc*bc", "abc", False),
        ("app.example.com/*", "app.example.com/x", True),
        ("app.example.com/*", "appXexample.com/x", False),
        ("A?", "AB", False),
        ("[AB]", "A", False),
        ("A?", "A?", True),
    ],
)
def test_a_star_is_any_text_and_all_else_is_itself(glob: str, name: str, expected: bool) -> None:
    """Whole names, in their case; no other sign means anything."""
    assert matches_any([glob], name) is expected
    assert matches_any(["other", glob], name) is expected
    assert not matches_any([], name)


@given(st.text("ab*", max_size=8), st.text("ab*", max_size=10))
def test_a_glob_is_the_regular_expression_that_it_looks_like(glob: str, name: str) -> None:
    """With text of any length for each star."""
    pattern = ".*".join(re.escape(part) for part in glob.split("*"))
    assert matches_any([glob], name) is (re.fullmatch(pattern, name) is not None)


def test_no_pattern_is_slow() -> None:
    """A hundred stars over a name that almost fits would keep a backtracking matcher busy for years."""
    assert not matches_any(["*a" * 126 + "b"], "a" * 253)


def test_what_is_asked_for_is_named_with_its_place() -> None:
    """The variables, the account, each secret, and the variable that a secret is put into; a file is no variable."""
    assert list(asked_settings((EnvVar(name="MODE"),), ASKED)) == [
        Ask(Grant.Env, "MODE", "spec.env[MODE]"),
        Ask(Grant.ServiceAccounts, "loader", "spec.identity.serviceAccountName"),
        Ask(Grant.Secrets, "db", "spec.identity.secrets[0].name"),
        Ask(Grant.Env, "DB_PASSWORD", "spec.identity.secrets[0].env"),
        Ask(Grant.Secrets, "tls", "spec.identity.secrets[1].name"),
    ]
    assert list(asked_settings((), None)) == list(asked_settings((), Identity())) == []


def check(allow: Allow | None, env: tuple[EnvVar, ...] = (), identity: Identity | None = None) -> list[Finding]:
    """Return the findings of a plan over a workflow of the name `etl`."""
    return list(check_permissions(asked_settings(env, identity), allow, "etl"))


@pytest.mark.parametrize(
    ("allow", "denied"),
    [
        pytest.param(ALL, [], id="stars allow everything"),
        pytest.param(
            Allow(service_accounts=("loader",), secrets=("db", "tls"), env=("MODE", "DB_*")), [], id="each by its name"
        ),
        pytest.param(
            Allow(service_accounts=("loader",), secrets=("*",), env=("MODE",)), ["spec.identity.secrets[0].env"],
            id="a secret may be allowed and its variable not",
        ),
        pytest.param(
            Allow(service_accounts=("loader",), secrets=("db",), env=("*",)), ["spec.identity.secrets[1].name"],
            id="one secret is not another",
        ),
        pytest.param(
            Allow(service_accounts=("loader2",), secrets=("*",), env=("*",)), ["spec.identity.serviceAccountName"],
            id="one account is not another",
        ),
        pytest.param(
            Allow(env=("loader", "db"), secrets=("MODE", "loader"), service_accounts=("db", "tls")),
            ["spec.env[MODE]", "spec.identity.serviceAccountName", "spec.identity.secrets[0].name",
             "spec.identity.secrets[0].env", "spec.identity.secrets[1].name"],
            id="a name counts in its own list only",
        ),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_not_permitted(allow: Allow, denied: list[str]) -> None:
    """One finding each, with its place; none of them is mended by waiting."""
    findings = check(allow, (EnvVar(name="MODE"),), ASKED)
    assert [finding.path for finding in findings] == denied
    assert {(finding.reason, finding.transient) for finding in findings} <= {(Reason.NotPermitted, False)}


def test_a_finding_says_what_was_found_what_is_allowed_and_who_may_allow_it() -> None:
    """And nothing of the value."""
    (finding,) = check(Allow(env=("LOG_*", "SEED")), (EnvVar(name="MODE", value="hush"),))
    assert finding.text == (
        "spec.env[MODE]: found the environment variable 'MODE', expected what spec.allow.env of the WorkflowDefinition "
        "'etl' allows: LOG_*, SEED (whoever may edit that WorkflowDefinition can allow it: kubectl edit wfd etl)"
    )
    (finding,) = check(Allow(), identity=Identity(service_account_name="root"))
    assert "found the ServiceAccount 'root'" in finding.message
    assert finding.message.endswith("spec.allow.serviceAccounts of the WorkflowDefinition 'etl' allows: none")


def test_a_workflow_that_is_gone_permits_nothing_and_is_said_to_be_gone() -> None:
    """Nobody is left who could have allowed it."""
    (finding,) = check(None, identity=Identity(secrets=(FILE,)))
    assert (finding.reason, finding.path) == (Reason.NotPermitted, "spec.identity.secrets[0].name")
    assert "found the Secret 'tls'" in finding.message
    assert "'etl', which would have to allow it, is gone" in finding.message
    assert "spec.allow.secrets" in finding.hint
    assert check(None) == []


@pytest.mark.parametrize(
    ("level", "path", "whose"),
    [
        (Level.Run, "spec.env[MODE]", "the environment"),
        (Level.Plan, "spec.launchPlanRef", "the plan's environment"),
    ],
)
def test_a_run_is_told_whose_wish_it_was(level: Level, path: str, whose: str) -> None:
    """A run may be refused for what an older version of its plan asks for."""
    denied = permit_settings(resolved(level, env=(EnvVar(name="MODE"),)), Allow(), "etl")
    assert isinstance(denied, tuple)
    assert [(finding.path, f"found {whose} variable 'MODE'" in finding.message) for finding in denied] == [(path, True)]


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        pytest.param(ALL, RunSettings(env=(EnvVar(name="MODE"),), service_account="loader", secrets=(SECRET, FILE)),
                     id="all of it"),
        pytest.param(Allow(), RunSettings(), id="nothing"),
        pytest.param(None, RunSettings(), id="nothing where the workflow is gone"),
        pytest.param(Allow(service_accounts=("load*",), secrets=("db",)), RunSettings(service_account="loader"),
                     id="a secret without its variable is left out"),
        pytest.param(Allow(secrets=("tls",), env=("MODE",)), RunSettings(env=(EnvVar(name="MODE"),), secrets=(FILE,)),
                     id="each by itself"),
    ],
)  # fmt: skip
def test_the_operators_defaults_go_as_far_as_they_are_allowed(allow: Allow | None, expected: RunSettings) -> None:
    """Nobody asked for them, so nobody is refused."""
    settings = resolved(Level.Operator, env=(EnvVar(name="MODE"),), identity=ASKED)
    assert permit_settings(settings, allow, "etl") == expected


def test_labels_and_annotations_are_never_refused() -> None:
    """They go on the Job, and as far as they are allowed on its pod."""
    settings = resolved(labels={"team": "a", "cost": "b"}, annotations={"note": "c", "example.com/x": "d"})
    made = permit_settings(settings, Allow(pod_labels=("team",), pod_annotations=("example.com/*",)), "etl")
    assert made == RunSettings(
        labels={"team": "a", "cost": "b"},
        annotations={"note": "c", "example.com/x": "d"},
        pod_labels={"team": "a"},
        pod_annotations={"example.com/x": "d"},
    )


def test_what_needs_no_permission_passes() -> None:
    """Limits, placement and time."""
    settings = resolved(interruptible=True, max_parallelism=3, output_prefix="s3://b", timeout=60)
    expected = RunSettings(interruptible=True, max_parallelism=3, output_prefix="s3://b", timeout=60)
    assert permit_settings(settings, None, "etl") == expected


@pytest.mark.parametrize(
    ("key", "reaches"),
    [
        ("team", True),
        ("example.com/team", True),
        ("kubernetes.io/x", False),
        ("app.kubernetes.io/name", False),
        ("a.b.kubernetes.io/x", False),
        ("k8s.io/x", False),
        ("scheduling.k8s.io/x", False),
        ("kueue.x-k8s.io/queue-name", True),
        ("notkubernetes.io/x", True),
        ("kubernetes.io.example.com/x", True),
        ("kubernetes.io", True),
        ("launchplan.dev/plan", False),
        ("inputs.launchplan.dev/x", False),
        ("job-name", False),
        ("controller-uid", False),
    ],
)
def test_keys_of_kubernetes_and_of_ours_never_reach_a_pod(key: str, reaches: bool) -> None:
    """Whatever a workflow lists: they steer schedulers, controllers and us."""
    for globs in (["*"], [key]):
        assert pod_metadata({key: "v"}, globs) == ({key: "v"} if reaches else {})


NAMES = st.sampled_from(["A", "AB", "B", "BA", "a", "b"])
GLOBS = st.lists(st.sampled_from(["*", "A", "A*", "*A", "a", "kubernetes.io/*", "*/x"]), max_size=3)
ALLOWS = st.builds(
    Allow, service_accounts=GLOBS, secrets=GLOBS, env=GLOBS, pod_labels=GLOBS, pod_annotations=GLOBS
) | st.none()  # fmt: skip
KEYS = NAMES | st.sampled_from(
    ["kubernetes.io/x", "a.k8s.io/x", "launchplan.dev/x", "ours.launchplan.dev/x", "o.org/x"]
)
LOWER = st.sampled_from(["a", "ab", "b", "ba"])
USES = st.builds(SecretUse, name=LOWER, key=st.just("k"), env=NAMES)
IDENTITIES = st.builds(
    Identity,
    service_account_name=st.none() | LOWER,
    secrets=st.lists(USES, max_size=2, unique_by=lambda use: use.env),
)
SETTINGS = st.builds(
    resolved,
    st.sampled_from(Level),
    labels=st.dictionaries(KEYS, st.just("v")),
    annotations=st.dictionaries(KEYS, st.just("v")),
    env=st.lists(st.builds(EnvVar, name=NAMES), max_size=2, unique_by=lambda var: var.name).map(tuple),
    identity=IDENTITIES,
)


def in_list(globs: tuple[str, ...], name: str) -> bool:
    """Tell by a regular expression whether a list of a workflow has a name."""
    return any(re.fullmatch(glob.replace("*", ".*"), name) for glob in globs)


@given(SETTINGS, ALLOWS)
def test_nothing_that_is_not_allowed_ever_reaches_a_pod(settings: ResolvedSettings, allow: Allow | None) -> None:
    """Whoever asks for it, it is refused or left out."""
    made = permit_settings(settings, allow, "etl")
    if isinstance(made, tuple):
        assert made
        assert Level.Operator not in {settings.env.level, settings.identity.level}
        return
    listed = allow or Allow()
    assert all(in_list(listed.env, var.name) for var in made.env)
    assert all(in_list(listed.env, use.env or "") and in_list(listed.secrets, use.name) for use in made.secrets)
    assert made.service_account is None or in_list(listed.service_accounts, made.service_account)
    for metadata, globs in ((made.pod_labels, listed.pod_labels), (made.pod_annotations, listed.pod_annotations)):
        assert all(in_list(globs, key) for key in metadata)
        assert not any(re.search(r"(^|\.)(kubernetes\.io|k8s\.io|launchplan\.dev)/", key) for key in metadata)


@given(SETTINGS)
def test_what_is_allowed_is_had(settings: ResolvedSettings) -> None:
    """A workflow that lists stars for all refuses nobody and leaves nothing out."""
    made = permit_settings(settings, ALL, "etl")
    assert isinstance(made, RunSettings)
    assert (made.env, made.secrets) == (settings.env.value, settings.identity.value.secrets)
    assert made.service_account == settings.identity.value.service_account_name
    assert (made.labels, made.annotations) == (settings.labels, settings.annotations)
