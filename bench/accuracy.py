"""The accuracy of the numbers, measured on the recordings with truth: `python bench/accuracy.py [--write | --render]`.

Reads the folder named by SENSORD_DATA. With --write the result goes to docs/accuracy.json, its tables into
docs/accuracy.md and README.md between their marks, and what is found on each recording to the golden table of the
tests. With --render the documents are written anew from docs/accuracy.json; no data are needed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sensord.errors import SensordError  # noqa: E402
from sensord.validation.document import accuracy_tables, readme_table, with_part  # noqa: E402
from sensord.validation.sections import validate  # noqa: E402
from tests.validation.golden import GOLDEN, golden, golden_text  # noqa: E402

RESULT = ROOT / "docs" / "accuracy.json"
DOCUMENT = ROOT / "docs" / "accuracy.md"
README = ROOT / "README.md"


def render() -> None:
    """Write the documents from the kept result."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    for path, part in ((DOCUMENT, accuracy_tables(result)), (README, readme_table(result))):
        path.write_text(with_part(path.read_text(encoding="utf-8"), part), encoding="utf-8")


def main() -> int:
    """Measure, and put it where it is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="measure anew, keep the result, write the documents")
    parser.add_argument("--render", action="store_true", help="write the documents from the kept result")
    args = parser.parse_args()
    if args.render and not args.write:
        render()
        return 0
    folder = os.environ.get("SENSORD_DATA")
    if not folder:
        print("SENSORD_DATA names no folder of recordings with truth", file=sys.stderr)
        return 2
    try:
        result = validate(Path(folder))
    except SensordError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if result.missing:
        print("not complete: " + "; ".join(f"{m.section} lacks {m.lacks}" for m in result.missing), file=sys.stderr)
        return 1
    text = json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if args.write:
        RESULT.write_text(text, encoding="utf-8")
        GOLDEN.write_text(golden_text(golden(Path(folder))), encoding="utf-8")
        render()
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
