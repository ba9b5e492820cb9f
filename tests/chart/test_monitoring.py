"""What the chart gives to Prometheus and Grafana, if one asks for it."""

import json

import yaml

from localcluster.operated import CHART
from tests.chart.rendering import Render, the

FILES = CHART / "files"


def test_nothing_of_it_is_there_by_default(render: Render) -> None:
    """A cluster need not know the kinds of the Prometheus operator."""
    kinds = {each["kind"] for each in render()}
    assert kinds.isdisjoint({"PrometheusRule", "ServiceMonitor", "ConfigMap"})


def test_the_rules_are_those_of_the_file(render: Render) -> None:
    """Word for word: the templates of their annotations are Prometheus' own."""
    rule = the(render("--set", "metrics.rules.enabled=true,metrics.rules.labels.release=prometheus"), "PrometheusRule")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["spec"] == yaml.safe_load((FILES / "alerts.yaml").read_text())


def test_the_dashboard_is_that_of_the_file(render: Render) -> None:
    """With the label by which Grafana's sidecar finds it, or another."""
    found = the(render("--set", "metrics.dashboard.enabled=true"), "ConfigMap")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    text = found["data"]["launchplan-operator.json"]
    assert json.loads(text) == json.loads((FILES / "dashboard.json").read_text())
    other = the(render("--set", "metrics.dashboard.enabled=true,metrics.dashboard.labels.team=x"), "ConfigMap")
    assert other["metadata"]["labels"]["team"] == "x"


def test_the_panels_of_the_dashboard_are_told_apart(render: Render) -> None:
    """By number and place, and each says what it shows."""
    text = the(render("--set", "metrics.dashboard.enabled=true"), "ConfigMap")["data"]["launchplan-operator.json"]
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert all(panel["description"] and panel["targets"] for panel in panels if panel["type"] != "row")
