"""What the API server's refusals say of the way to mend them."""

from typing import Any

import pytest

from launchplan_operator.api.mending import Target, mend_command
from launchplan_operator.decide.refusals import mend_template, show_quota, without_suffix

TARGET = Target("wfd", "demo", "report")
JOB: dict[str, Any] = {
    "paralelism": 2,
    "template": {"spec": {"containers": [{"name": "main", "imagePullPolice": "Always"}]}},
}
STRICT = 'Job in version "v1" cannot be handled as a Job: strict decoding error: '
POLICE = 'unknown field "spec.template.spec.containers[0].imagePullPolice"'
PATCH = "kubectl patch wfd report -n demo --type=json -p "
EDIT = "kubectl edit wfd report -n demo"


@pytest.mark.parametrize(
    ("message", "command"),
    [
        pytest.param(
            f"{STRICT}{POLICE}",
            PATCH + """'[{"op":"remove","path":"/spec/job/template/spec/containers/0/imagePullPolice"}]'""",
            id="a field that does not exist is removed",
        ),
        pytest.param(
            f'{STRICT}{POLICE}, unknown field "spec.paralelism"',
            PATCH + """'[{"op":"remove","path":"/spec/job/template/spec/containers/0/imagePullPolice"},"""
            """{"op":"remove","path":"/spec/job/paralelism"}]'""",
            id="so are several",
        ),
        pytest.param(
            f'{STRICT}unknown field "spec.template.spec.containers[0].env[9].nmae"', EDIT,
            id="a place that the workflow does not have, as ours come before its own, is a person's to find",
        ),
        pytest.param(f'{STRICT}unknown field "spec.template.spec.containers[x].y"', EDIT, id="so is one that is no path"),
        pytest.param(
            'Job.batch "report" is invalid: spec.template.spec.containers[0].image: Required value', EDIT,
            id="what is missing only a person knows",
        ),
        pytest.param(
            'jobs.batch "report" is forbidden: exceeded quota: few, requested: count/jobs.batch=1', "kubectl describe resourcequota few -n demo",
            id="a quota is shown",
        ),
    ],
)  # fmt: skip
def test_a_refused_template_has_a_command(message: str, command: str) -> None:
    """It changes the template where the server says what to change."""
    assert mend_command([mend_template(message, JOB)], TARGET) == command


def test_a_refusal_without_a_quota_shows_none() -> None:
    """An admission's word names nothing to look at."""
    assert show_quota("admission webhook denied the request: quota is a nice word") is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('Job.batch "report-hrkdd" is invalid', 'Job.batch "report" is invalid'),
        ('Job.batch "report-2-hrkdd" is invalid', 'Job.batch "report-2-hrkdd" is invalid'),
        ('Job.batch "report" is invalid', 'Job.batch "report" is invalid'),
    ],
)
def test_a_generated_name_is_told_without_its_end(message: str, expected: str) -> None:
    """The same refusal is the same text each time, and no write."""
    assert without_suffix(message, "report") == expected
