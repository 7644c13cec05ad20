"""The documents say what is true: commands exist, files are there, tables are what the command prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import sensord
from sensord.cli import app
from sensord.config import Settings, load_settings
from sensord.files.strides_csv import COLUMNS
from sensord.model import ALGORITHM, Stride

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXTS = [*DOCS, *ROOT.glob("sensord/**/*.py"), *ROOT.glob("sensord/web/**/*.*"), *ROOT.glob("dashboards/**/*.json")]


def commands() -> list[str]:
    """Every sensord command line in an indented or fenced block of the README."""
    found = re.findall(r"^ {4}(?:\.venv/bin/)?sensord ([^#\n]+)", README, re.MULTILINE)
    return [line.strip() for line in found]


def test_the_readme_shows_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_exists_with_its_options(line: str) -> None:
    command = get_command(app)
    words = shlex.split(line)
    while isinstance(command, typer.core.TyperGroup):
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_commands_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^ {4}make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.name)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^"]+)"', text)
    missing = [t for t in targets if not t.startswith("http") and not (path.parent / t).exists()]
    assert missing == []


def test_every_document_is_reached_from_the_readme_or_the_architecture() -> None:
    reached = README + (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [p.name for p in ROOT.glob("docs/*.md") if p.name not in reached and p.name != "architecture.md"] == []


def test_the_public_api_of_the_readme_is_there_and_documented() -> None:
    for name in re.findall(r"sensord\.(\w+)\(", README):
        assert name in sensord.__all__
    for name in sensord.__all__:
        assert getattr(sensord, name).__doc__
    with pytest.raises(AttributeError, match="nothing_such"):
        sensord.nothing_such  # noqa: B018


def test_the_settings_file_of_the_readme_is_the_shipped_one() -> None:
    assert "config/sensord.toml" in README
    assert isinstance(load_settings(ROOT / "config" / "sensord.toml"), Settings)


def test_the_columns_of_the_strides_table_are_documented() -> None:
    text = "".join(p.read_text(encoding="utf-8") for p in DOCS)
    assert [c for c in COLUMNS if c not in text] == []


PLACE_FIELDS = {"foot", "stride", "segment", "gap", "spoiled", "ic_pod_ns", "tc_pod_ns", "next_ic_pod_ns",
                "ic_run_ns", "next_ic_run_ns", "swing_peak_radps", "impact_source"}  # fmt: skip
"""Where a stride is, or how a value came to be: no metrics."""


def test_every_metric_has_its_definition() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = [f.name for f in fields(Stride) if f.name not in PLACE_FIELDS]
    assert [name for name in names if f"`{name}`" not in text] == []
    assert f"algorithm version {ALGORITHM} " in text


def test_what_spoils_a_stride_is_documented() -> None:
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "sensord" / "dsp").glob("*.py"))
    words = set(re.findall(r'flaws\.append\("(\w+)"\)', source)) | set(re.findall(r'\["(\w+)"\]', source))
    frames = (ROOT / "docs" / "frames.md").read_text(encoding="utf-8")
    assert len(words) >= 8
    assert [word for word in sorted(words) if f"| `{word}` |" not in frames] == []


def test_the_changelog_tells_what_changed_in_the_science() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"### Algorithm {ALGORITHM}\n" in text.partition("## Scientific changes")[2]


@pytest.mark.parametrize("word", [r"injury risk", r"bone load", r"diagnos(is|e)"])
def test_words_that_we_do_not_use(word: str) -> None:
    used = [p.name for p in TEXTS if re.search(word, p.read_text(encoding="utf-8", errors="ignore"), re.IGNORECASE)]
    assert used == []


def test_the_layers_hold() -> None:
    """The same contracts that `make lint` checks, so that a test run alone finds a wrong arrow."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
