"""`make mutants` (python -m bench.mutants): the code of limits and progress is changed one place at a time, and tests
must notice.

mutmut makes the changes and runs the tests of `[tool.mutmut]` (pyproject.toml) in a copy of the tree; nothing here is
touched. Printed are the counts, and each change that no test noticed with its file and line. docs/mutants.md explains
those that are left.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("sensord", "tests", "config", "pyproject.toml")
FATES = {
    None: "not run",
    0: "survived",
    33: "no tests",
    24: "timeout",
    -24: "timeout",
    36: "timeout",
    152: "timeout",
    255: "timeout",
}
"""What mutmut's exit codes mean; 1 and 3 are tests that failed."""


@dataclass(frozen=True)
class Mutant:
    """A change: `module.function` and number, line of the file, what was there and what is there now."""

    name: str
    line: int
    before: str
    after: str


def _functions(source: str) -> dict[tuple[str, str], tuple[int, list[str]]]:
    """First line and lines of each function, by class and name."""
    lines, found = source.splitlines(), {}
    for node in ast.walk(ast.parse(source)):
        inside = node.body if isinstance(node, ast.ClassDef | ast.Module) else []
        for one in inside:
            if isinstance(one, ast.FunctionDef):
                owner = node.name if isinstance(node, ast.ClassDef) else ""
                found[owner, one.name] = one.lineno, lines[one.lineno - 1 : one.end_lineno]
    return found


def _changed(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """Lines that are gone, lines that are new; the renamed function itself is neither unless nothing else is."""
    both = [line for line in difflib.unified_diff(before, after, lineterm="", n=0) if line[:3] not in ("---", "+++")]
    inner = [line for line in both if "__mutmut_" not in line and line[:1] in "+-"] or both
    parts = [[line[1:].strip() for line in inner if line.startswith(sign)] for sign in "-+"]
    return parts[0], parts[1]


def fates(folder: Path, module: str) -> dict[str, str]:
    """What became of each mutant of a module."""
    codes = json.loads((folder / "mutants/sensord/plan" / f"{module}.py.meta").read_text())["exit_code_by_key"]
    return {name: FATES.get(code, "killed" if code in {1, 3} else f"exit {code}") for name, code in codes.items()}


def shown(folder: Path, module: str, names: list[str]) -> Iterator[Mutant]:
    """These mutants of a module as a person reads them."""
    path = Path("sensord/plan") / f"{module}.py"
    original = _functions((folder / path).read_text())
    mutated = {name: lines for (_, name), (_, lines) in _functions((folder / "mutants" / path).read_text()).items()}
    for name in names:
        short = name.rpartition(".")[2]
        stem, _, number = short.rpartition("__mutmut_")
        owner, function = stem.split("ǁ")[1:] if "ǁ" in stem else ("", stem.removeprefix("x_"))
        gone, new = _changed(mutated[f"{stem}__mutmut_orig"], mutated[short])
        first, lines = original[owner, function]
        offset = next((k for k, line in enumerate(lines) if line.strip() in gone), 0)
        yield Mutant(f"{owner}.{function}#{number}".lstrip("."), first + offset, " / ".join(gone), " / ".join(new))


def _counted(count: Counter[str]) -> str:
    return f"{count.total()} mutants, " + ", ".join(f"{n} {fate}" for fate, n in sorted(count.items()))


def report(folder: Path) -> None:
    """Counts by module, and every survivor."""
    total: Counter[str] = Counter()
    for meta in sorted((folder / "mutants/sensord/plan").glob("*.py.meta")):
        module = meta.name.removesuffix(".py.meta")
        found = fates(folder, module)
        count = Counter(found.values())
        total += count
        print(f"\nplan/{module}.py: {_counted(count)}")
        for one in shown(folder, module, [name for name, fate in found.items() if fate not in {"killed", "not run"}]):
            print(f"  {one.line} {one.name}\n    - {one.before}\n    + {one.after}")
    print(f"\nall: {_counted(total)}")


def main() -> int:
    """Copy, run, report."""
    parser = argparse.ArgumentParser(description="mutation testing of limits and progress")
    parser.add_argument("--children", type=int, default=2, help="processes at a time")
    parser.add_argument("--report", type=Path, help="only report on this folder, where mutmut has run")
    parser.add_argument("names", nargs="*", help='mutants, as "sensord.plan.breach*"; none: all')
    given = parser.parse_args()
    if given.report:
        report(given.report)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in COPIED:
            (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
        run = [sys.executable, "-m", "mutmut", "run", "--max-children", str(given.children), *given.names]
        code = subprocess.run(run, cwd=folder, check=False).returncode
        report(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
