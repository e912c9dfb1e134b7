"""Reads /proc: what a process tree has used. Linux only."""

import os
from pathlib import Path

_EMBEDDED_CACHE = ("valkey", "redis")
"""Process names that are not the proxy's own work."""
_NATIVE_PARTS_OF_LITELLM = ("/litellm/", "/tiktoken/")
"""Importing litellm maps a native library of at least one of these; its Python files leave no trace in the maps."""


def tree(pid: int) -> list[int]:
    """Return a process and its descendants, without the embedded cache server; empty if it is gone."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
    if name.startswith(_EMBEDDED_CACHE):
        return []
    pids = [pid]
    for task in tasks:
        try:
            children = (task / "children").read_text(encoding="utf-8").split()
        except OSError:
            continue
        for child in children:
            pids += tree(int(child))
    return pids


def cpu_s(pid: int) -> float:
    """Return the user and system seconds of a process tree since its start."""
    ticks = 0
    for member in tree(pid):
        # the command in parentheses may contain spaces: fields are counted from the last parenthesis
        fields = Path(f"/proc/{member}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process tree in MB (10^6 bytes); shared pages count once per process."""
    pages = sum(
        int(Path(f"/proc/{member}/statm").read_text(encoding="utf-8").split()[1])
        for member in tree(pid)
    )
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def has_litellm(pid: int) -> bool:
    """Return whether a process of the tree has litellm loaded, by its native libraries."""
    return any(
        part in Path(f"/proc/{member}/maps").read_text(encoding="utf-8")
        for member in tree(pid)
        for part in _NATIVE_PARTS_OF_LITELLM
    )
