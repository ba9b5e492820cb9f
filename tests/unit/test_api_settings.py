"""What a manifest may say of run settings, and what is refused with its reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.settings import SecretUse

USE = {"name": "db", "key": "password"}


def plan(**fields: Any) -> Any:
    """Return a parsed plan, or its findings."""
    return parse_spec(LaunchPlanSpec, {"spec": {"workflowRef": {"name": "w"}, **fields}})


def test_a_plan_may_say_all_of_it() -> None:
    """Each setting arrives."""
    spec = plan(
        env=[{"name": "MODE", "value": "a b\n"}, {"name": "_x1"}],
        identity={"serviceAccountName": "loader", "secrets": [USE | {"env": "PW"}, USE | {"file": "pw.txt"}]},
        rawOutputDataConfig={"outputLocationPrefix": "s3://bucket/a"},
        interruptible=False,
        maxParallelism=0,
    )
    assert isinstance(spec, LaunchPlanSpec)
    assert [(var.name, var.value) for var in spec.env] == [("MODE", "a b\n"), ("_x1", "")]
    assert spec.identity is not None
    assert [(use.env, use.file) for use in spec.identity.secrets] == [("PW", None), (None, "pw.txt")]
    assert (spec.interruptible, spec.max_parallelism) == (False, 0)


@pytest.mark.parametrize(
    ("fields", "reason", "path", "message"),
    [
        pytest.param(
            {"env": [{"name": "LP_INPUT_CITY"}]}, Reason.ReservedName, "spec.env[0].name", "are the operator's own",
            id="an input's variable is ours",
        ),
        pytest.param(
            {"env": [{"name": "A"}, {"name": "LAUNCHPLAN_NAME"}]}, Reason.ReservedName, "spec.env[1].name",
            "found the string 'LAUNCHPLAN_NAME'", id="a run's variable is ours",
        ),
        pytest.param(
            {"identity": {"secrets": [USE | {"env": "LP_INPUT_X"}]}}, Reason.ReservedName,
            "spec.identity.secrets[0].env", "are the operator's own", id="no secret takes its place either",
        ),
        pytest.param(
            {"env": [{"name": "A-B"}]}, Reason.InvalidSpec, "spec.env[0].name", "should match pattern",
            id="a name that no shell can read",
        ),
        pytest.param(
            {"env": [{"name": "A"}, {"name": "A"}]}, Reason.InvalidSpec, "spec.env", "expected each name once",
            id="one name twice",
        ),
        pytest.param(
            {"env": [{"name": "A", "value": "a\0"}]}, Reason.InvalidSpec, "spec.env[0].value", "should match pattern",
            id="no environment holds a NUL",
        ),
        pytest.param(
            {"identity": {"secrets": [USE]}}, Reason.InvalidSpec, "spec.identity.secrets[0]",
            "exactly one of env and file", id="a secret that goes nowhere",
        ),
        pytest.param(
            {"identity": {"secrets": [USE | {"env": "A", "file": "a"}]}}, Reason.InvalidSpec,
            "spec.identity.secrets[0]", "exactly one of env and file", id="a secret that goes to two places",
        ),
        pytest.param(
            {"identity": {"secrets": [USE | {"file": "a"}, USE | {"file": "a"}]}}, Reason.InvalidSpec,
            "spec.identity.secrets", "another env or file", id="two secrets in one place",
        ),
        pytest.param(
            {"rawOutputDataConfig": {"outputLocationPrefix": "s3://a b"}}, Reason.InvalidSpec,
            "spec.rawOutputDataConfig.outputLocationPrefix", "should match pattern", id="a prefix with a blank",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], reason: Reason, path: str, message: str) -> None:
    """With its place and what was expected."""
    (finding,) = plan(**fields)
    assert (finding.reason, finding.path) == (reason, path)
    assert message in finding.message


@pytest.mark.parametrize("file", ["a", "tls.key", "_x", "a-b.c"])
def test_a_file_is_one_below_the_secrets_directory(file: str) -> None:
    assert SecretUse(name="s", key="k", file=file).file == file


@pytest.mark.parametrize("file", ["../a", "a/b", ".hidden", "..", ""])
def test_a_file_is_nowhere_else(file: str) -> None:
    """No path leads out of the directory."""
    with pytest.raises(ValidationError):
        SecretUse(name="s", key="k", file=file)
