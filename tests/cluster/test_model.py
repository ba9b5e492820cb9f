"""The real controllers behave as the modelled ones are made to: the scripts that the reconcile level relies on."""

import pytest

from tests.cluster.modelled import Playing
from tests.fake.scripts import SCRIPTS, Script, titles

# Run alone, this file waits for three slots of its CronJobs and for a removed node's pods.
_PATIENCE = 280.0


@pytest.mark.parametrize("script", SCRIPTS, ids=titles())
def test_real(playing: Playing, script: Script) -> None:
    """The script holds for the real controllers."""
    playing.check(script, _PATIENCE)
