"""`make coverage-plan` (python -m bench.coverage_plan): which lines and branches of sensord.plan its own tests reach.

Only `tests/plan` runs: a line of the plan that some test of a whole run happens to pass is not tested by that. All
statements must be reached, and 95 % of the branches; what is missing is named by file and line.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATEMENTS_PCT, BRANCHES_PCT = 100.0, 95.0
"""What is asked for."""


def measure(tests: list[str]) -> int:
    """Run the tests, print the report; 0 when enough is reached and every test passes."""
    with tempfile.TemporaryDirectory() as folder:
        data, report = f"--data-file={folder}/data", Path(folder, "report.json")
        run = [sys.executable, "-m", "coverage"]
        watched = [*run, "run", data, "--branch", "--source=sensord/plan", "-m", "pytest", "-q"]
        failed = subprocess.run([*watched, *tests], cwd=ROOT, check=False).returncode
        subprocess.run([*run, "report", data], cwd=ROOT, check=False)
        subprocess.run([*run, "json", data, "-q", "-o", str(report)], cwd=ROOT, check=True)
        total = json.loads(report.read_text())["totals"]
    statements = 100.0 * total["covered_lines"] / total["num_statements"]
    branches = 100.0 * total["covered_branches"] / total["num_branches"]
    print(f"statements: {total['covered_lines']} of {total['num_statements']}, {statements:.2f} %", end="; ")
    print(f"branches: {total['covered_branches']} of {total['num_branches']}, {branches:.2f} %")
    if statements < STATEMENTS_PCT or branches < BRANCHES_PCT:
        print(f"less than {STATEMENTS_PCT:.0f} % of the statements or {BRANCHES_PCT:.0f} % of the branches")
        return 1
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("tests", nargs="*", default=["tests/plan"])
    sys.exit(measure(parser.parse_args().tests))
