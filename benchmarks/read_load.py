"""Drives a server with `wrk`, a process of its own: every client asks again as soon as it has its answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Answers that are no 200 are counted as errors; the rest is wrk's own histogram, in microseconds.
_SCRIPT = """
local bodies, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
  at = tonumber(args[2]) % #bodies
end
function request()
  at = at % #bodies + 1
  return wrk.format("POST", "/v1/query", {["content-type"] = "application/json"}, bodies[at])
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"p50": %f, "p90": %f, "p99": %f, "mean": %f, "requests": %d, "us": %d, "errors": %d}\\n',
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.mean, summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Latencies in milliseconds."""

    clients: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    per_s: float
    errors: int


def drive(url: str, bodies: Path, clients: int, seconds: float, skip: int = 0) -> Load:
    """Ask for some seconds. bodies: one a line, asked in order from line `skip` on. Raises SystemExit without `wrk`."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("no load generator: install wrk (Debian: apt-get install wrk)")
    script = bodies.with_suffix(".lua")
    script.write_text(_SCRIPT)
    command = [program, "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s", "-s", script, url, "--", bodies]
    done = subprocess.run([*command, str(skip)], capture_output=True, text=True, timeout=seconds + 60, check=False)
    _, mark, text = done.stdout.partition("RESULT ")
    if not mark:
        raise SystemExit(f"wrk failed: {done.stdout}{done.stderr}")
    found = json.loads(text)
    ms = [found[name] / 1000 for name in ("p50", "p90", "p99")]
    return Load(clients, *ms, found["requests"] / found["us"] * 1e6, found["errors"])


def ask(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """One answer."""
    request = urllib.request.Request(f"{url}/v1/query", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
