"""What bad input gets, as a user sees it; the README quotes it."""

import json
import os
from pathlib import Path

import pytest

from tests.node.support import Space, eventually

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples" / "01-hello"
REFUSED = ROOT / "examples" / "02-refused"
SHOWN = ROOT / "docs" / "generated"


def columns(condition: str) -> str:
    """The output format that shows one condition's reason and message."""
    where = f'.status.conditions[?(@.type=="{condition}")]'
    return f"custom-columns=NAME:.metadata.name,REASON:{where}.reason,MESSAGE:{where}.message"


@pytest.mark.parametrize(
    ("condition", "count", "file"),
    [("Ready", 6, "plans"), ("Accepted", 3, "runs")],
)
def test_a_mistake_is_named_with_what_was_found_and_expected(
    space: Space, condition: str, count: int, file: str
) -> None:
    """Each plan and run of the example gets its reason; `UPDATE=1` writes the file that the README quotes."""
    space.kubectl("apply", "-f", str(HELLO / "workflow.yaml"), "-f", str(HELLO / "plan.yaml"))
    space.kubectl("wait", "lp/hello", "--for=condition=Ready", "--timeout=30s")
    manifests = str(REFUSED / f"{file}.yaml")
    space.kubectl("apply", "-f", manifests)

    def judged() -> bool:
        items = json.loads(space.kubectl("get", "-f", manifests, "-o", "json"))["items"]
        conditions = [each for item in items for each in item.get("status", {}).get("conditions", [])]
        return [each["type"] for each in conditions].count(condition) == count

    eventually(judged, "a condition of each")
    table = space.kubectl("get", "-f", manifests, "-o", columns(condition))
    shown = "".join(f"{line.rstrip()}\n" for line in table.splitlines())
    if os.environ.get("UPDATE") == "1":
        (SHOWN / f"refused-{file}.txt").write_text(shown, encoding="utf-8")
    assert shown == (SHOWN / f"refused-{file}.txt").read_text(encoding="utf-8")
