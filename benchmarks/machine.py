"""Says what the figures were measured on."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("apache-beam", "google-cloud-bigtable", "orjson", "msgspec", "numpy", "duckdb")


def describe() -> str:
    """Cores, CPU, memory, load, Python, versions and revision, in two lines."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return (
        f"{cores} cores of {_cpu_model()}, {memory_gb:.0f} GB, load {os.getloadavg()[0]:.1f} at the start; "
        f"{platform.system()} {platform.release()}\n"
        f"Python {platform.python_version()}, {packages}; Daycount {_revision()}"
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(absent)"


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return result.stdout.strip() or "(no git)"
