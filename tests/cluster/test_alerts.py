"""The alerts, checked and tried by Prometheus' own tool: each fires when it must, and not when it need not."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from localcluster import prometheus
from localcluster.operated import CHART
from tests.cluster.alerting import CASES, Case
from tests.cluster.support import Object

ALERTS = CHART / "files" / "alerts.yaml"
RULES: list[Object] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]


def promtool(*arguments: str) -> str:
    """Run promtool; returns its output, and fails with it."""
    command = [str(prometheus.find("promtool")), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def severity(alert: str) -> str:
    """Return the severity of an alert."""
    return next(str(rule["labels"]["severity"]) for rule in RULES if rule["alert"] == alert)


def firing(case: Case) -> list[Object]:
    """Return the alerts that are to fire, as promtool compares them."""
    fixed = {"alertname": case.alert, "alertstate": "firing", "severity": severity(case.alert)}
    found = (fixed | labels for labels in case.labels)
    texts = (", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) for labels in found)
    return [{"labels": f"ALERTS{{{text}}}", "value": 1} for text in texts]


def test_the_rules_are_well_formed() -> None:
    """Expressions, labels, and the templates of annotations."""
    assert f"{len(RULES)} rules found" in promtool("check", "rules", str(ALERTS))


def test_each_rule_says_what_to_do() -> None:
    """In a sentence, beside the one that says what is wrong."""
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "runbook"}
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_each_rule_is_tried_both_ways() -> None:
    """There is no alert of which nobody saw that it fires, and that it does not."""
    for fires in (True, False):
        assert {case.alert for case in CASES.values() if bool(case.labels) is fires} == {
            rule["alert"] for rule in RULES
        }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_alert(case: Case, tmp_path: Path) -> None:
    """By the series of the case."""
    query = f'ALERTS{{alertname="{case.alert}", alertstate="firing"}}'
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in case.all_series.items()],
        "promql_expr_test": [{"expr": query, "eval_time": case.at, "exp_samples": firing(case)}],
    }
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(path))
