"""Python imports this at its start where `BENCH_PROFILE` put its directory on the path: profile the whole process."""

import atexit
import cProfile
import os

_profiler = cProfile.Profile()


def _write() -> None:
    _profiler.disable()
    _profiler.dump_stats(os.environ["BENCH_PROFILE_OUT"])


atexit.register(_write)
_profiler.enable()
