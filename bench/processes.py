"""What `/proc` knows of a process: processor time and memory."""

import asyncio
import os
from collections.abc import Collection
from pathlib import Path

_QUIET_SHARE = 0.1
_QUIET_SECONDS = 1.0
_MIB = 1024.0
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in user and system mode; 0 for one that is gone."""
    try:
        _, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except FileNotFoundError:
        return 0.0
    user, system = rest.split()[11:13]
    return (int(user) + int(system)) / _TICKS


def memory(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process and its peak, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return int(sizes["VmRSS"]) / _MIB, int(sizes["VmHWM"]) / _MIB


async def settle(pids: Collection[int], share: float = _QUIET_SHARE, seconds: float = 60.0) -> float:
    """Wait until processes use less than `share` of one processor each for a second; at most `seconds`.

    Returns:
        The loop's time at the beginning of that quiet second.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        began, before = loop.time(), [cpu_seconds(pid) for pid in pids]
        await asyncio.sleep(_QUIET_SECONDS)
        used = [cpu_seconds(pid) - was for pid, was in zip(pids, before, strict=True)]
        if max(used) < share * _QUIET_SECONDS or loop.time() > deadline:
            return began
