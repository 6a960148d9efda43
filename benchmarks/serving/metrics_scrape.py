"""What the service says of itself: its phases, its longest pause, its memory."""

import re

import httpx

from benchmarks.serving.sheet import Sheet

STAGES = ("parse", "features", "model", "share", "write", "log")


def metric(text: str, name: str) -> float | None:
    """Return a sample of ``/metrics``; ``None`` if there is none of that name and labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, flags=re.M)
    return float(found[1]) if found else None


def memory_mb(url: str) -> float | None:
    """Return the resident memory."""
    n_bytes = metric(httpx.get(f"{url}/metrics", timeout=60).text, "process_resident_memory_bytes")
    return None if n_bytes is None else n_bytes / 2**20


def add_phases(sheet: Sheet, url: str) -> None:
    """Add the mean of each phase over all cards so far, of both kinds."""
    text = httpx.get(f"{url}/metrics", timeout=60).text
    for stage in STAGES:
        total, n = (
            metric(text, f'greyhound_predict_phase_seconds_{part}{{phase="{stage}"}}')
            for part in ("sum", "count")
        )
        mean_us = 1e6 * total / n if total is not None and n else None
        sheet.add(f"phase {stage}, us", mean_us, digits=0)


def add_pause_and_memory(sheet: Sheet, url: str, when: str) -> None:
    """Add the longest pause since the version came in, and the memory, as they are now."""
    pause_s = metric(httpx.get(f"{url}/metrics", timeout=60).text, "greyhound_gc_pause_max_seconds")
    sheet.add(
        f"longest GC pause {when}, ms",
        None if pause_s is None else 1000 * pause_s,
        target="20",
        means="the longest collection since the version that serves now came in",
        digits=1,
    )
    sheet.add(f"resident memory {when}, MB", memory_mb(url), target="300", digits=0)
