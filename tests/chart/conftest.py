"""The chart, rendered by the pinned helm without a cluster."""

import sys
from pathlib import Path

import pytest
import yaml

from localcluster.charts import Helm
from localcluster.operated import CHART
from localcluster.places import silent
from tests.chart.rendering import Object, Render


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build helm before the first test's clock runs: it takes minutes, once."""
    here = Path(__file__).parent
    if not session.config.option.collectonly and any(here in item.path.parents for item in session.items):
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            Helm.find(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201 - progress of minutes


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Helm without a cluster."""
    return Helm.find(silent)


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """Renders the release `lp` in the namespace `ops`, with more arguments of `helm template`; returns the objects."""

    def render_with(*arguments: str) -> list[Object]:
        text = helm("template", "lp", str(CHART), "--namespace", "ops", *arguments)
        return [each for each in yaml.load_all(text, yaml.CSafeLoader) if each]

    return render_with
