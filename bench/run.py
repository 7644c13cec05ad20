"""All timings: `make bench`. What a second of running costs, and how quick an alert is."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

SECONDS = 60.0
HERE = Path(__file__).parent


def demo_cost() -> None:
    """CPU of `sensord demo --headless` per second of run, start-up (imports, rendering the runner) counted apart."""

    def cpu_s(seconds: float) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "sensord", "demo", "--headless", "--json", "--seconds", str(seconds)]
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    short_s, long_s = cpu_s(5.0), cpu_s(5.0 + SECONDS)
    print(f"demo --headless        {(long_s - short_s) / SECONDS * 1000:6.1f} CPU-ms per second of run, both simulated")
    print(f"                       pods included; start-up and end {short_s:.1f} CPU-s")


if __name__ == "__main__":
    subprocess.run([sys.executable, "-m", "sensord", "bench"], check=True)
    demo_cost()
    subprocess.run([sys.executable, HERE / "link_cost.py"], check=True)
    sys.exit(subprocess.run([sys.executable, HERE / "alert_latency.py"], check=False).returncode)
