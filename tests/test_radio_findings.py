"""What the computer's files tell of its radio, in a folder that looks like a root."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensord.radio_findings import MAIN_CONF, configured_interval_ms, radio_findings


def write(root: Path, name: str, text: str = "") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def adapter(root: Path, where: str) -> None:
    device = root / "sys/devices" / where
    device.mkdir(parents=True)
    (root / "sys/class/bluetooth/hci0").mkdir(parents=True)
    (root / "sys/class/bluetooth/hci0/device").symlink_to(device)


def told(root: Path) -> dict[str, tuple[bool, str]]:
    return {f.name: (f.look, f.text) for f in radio_findings(root)}


def test_nothing_there_tells_nothing(tmp_path: Path) -> None:
    assert radio_findings(tmp_path) == []


def test_the_default_interval_is_long_and_says_how_to_change_it(tmp_path: Path) -> None:
    write(tmp_path, MAIN_CONF, "[General]\n#Name = x\n[LE]\n#MinConnectionInterval=\n")
    look, text = told(tmp_path)["connection interval"]
    assert look
    assert "MinConnectionInterval=6 and MaxConnectionInterval=12" in text


@pytest.mark.parametrize(("low", "high", "look"), [(6, 12, False), (24, 40, True), (6, 24, False), (6, 25, True)])
def test_a_configured_interval_is_told_in_ms(tmp_path: Path, low: int, high: int, look: bool) -> None:
    write(tmp_path, MAIN_CONF, f"[LE]\nMinConnectionInterval={low}\nMaxConnectionInterval={high}\n")
    assert configured_interval_ms(tmp_path) == (low * 1.25, high * 1.25)
    assert told(tmp_path)["connection interval"][0] is look


@pytest.mark.parametrize("text", ["[LE]\nMinConnectionInterval=x\nMaxConnectionInterval=9\n", "no section", "\0\xff"])
def test_a_broken_configuration_claims_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, MAIN_CONF, text)
    assert configured_interval_ms(tmp_path) is None


@pytest.mark.parametrize(("kind", "words"), [("soft", "rfkill unblock"), ("hard", "switch or key")])
def test_a_blocked_radio_is_named(tmp_path: Path, kind: str, words: str) -> None:
    for name, type_ in (("rfkill0", "wlan"), ("rfkill1", "bluetooth")):
        for key, value in {"type": type_, "soft": "0", "hard": "0", kind: "1"}.items():
            write(tmp_path, f"sys/class/rfkill/{name}/{key}", f"{value}\n")
    findings = radio_findings(tmp_path)
    assert [f.name for f in findings] == ["radio switch"]
    assert words in findings[0].text


@pytest.mark.parametrize(
    ("where", "state", "look"),
    [
        ("platform/serial0/serial0-0", "up", True),
        ("platform/serial0/serial0-0", "down", False),
        ("pci0/usb1/1-2/1-2:1.0", "up", False),
    ],
)
def test_wifi_beside_a_built_in_adapter(tmp_path: Path, where: str, state: str, look: bool) -> None:
    adapter(tmp_path, where)
    (tmp_path / "sys/class/net/wlan0/wireless").mkdir(parents=True)
    write(tmp_path, "sys/class/net/wlan0/operstate", f"{state}\n")
    found_look, text = told(tmp_path)["radio neighbours"]
    assert found_look is look
    assert ("dongle" in text) is look
