"""The page's doors: the token is made once and is its owner's alone; the door plate goes with the daemon."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sensord.config import Settings
from sensord.daemon import Gateway
from sensord.demo import demo_settings, simulated_radio
from sensord.page_doors import door_plate, kept_token


def test_the_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    token = kept_token(tmp_path)
    assert len(token) >= 43
    assert kept_token(tmp_path) == token
    assert stat.S_IMODE((tmp_path / "page-token").stat().st_mode) == 0o600


def test_the_door_plate_is_there_while_the_daemon_is(tmp_path: Path) -> None:
    with door_plate(tmp_path, "http://127.0.0.1:1", None):
        plate = tmp_path / "daemon.json"
        assert json.loads(plate.read_text())["url"] == "http://127.0.0.1:1"
        assert stat.S_IMODE(plate.stat().st_mode) == 0o600
    assert not plate.exists()


@pytest.fixture
def on_the_network(tmp_path: Path) -> Settings:
    settings = demo_settings(tmp_path / "data", port=0)
    settings.web.host = "0.0.0.0"
    return settings


async def test_on_the_network_the_page_wants_a_link_and_shows_it_as_a_code_too(on_the_network: Settings) -> None:
    said: list[str] = []
    await Gateway(on_the_network, backend=simulated_radio().backend, say=said.append).run(0.5)
    [link] = [line for line in said if line.startswith("the page: ")]
    assert "/?token=" in link
    assert any("█" in line or "▀" in line for line in said)
