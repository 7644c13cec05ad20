"""What this computer's radio will be like for pods, read from its files: interval, Wi-Fi beside it, switches, rights.

Nothing is changed and nothing is needed: what cannot be read is not claimed. Sources: BlueZ's main.conf (section LE),
the kernel's rfkill and Bluetooth entries in sysfs, Linux' defaults for connections (30 to 50 ms).
"""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

UNIT_MS = 1.25
"""Connection intervals count in 1.25 ms (Bluetooth Core 5.4, Vol 6 Part B 4.5.1)."""

DEFAULT_INTERVAL_MS = (30.0, 50.0)
"""Linux' defaults: 24 and 40 units (net/bluetooth/hci_core.c)."""

WANTED_INTERVAL_MS = (7.5, 15.0)
"""What sensord hopes for. At 195 ms one project got 1 % of its frames, at 15 ms 93 % (Olen/solar-monitor PR 94)."""

LONG_INTERVAL_MS = 30.0
"""Above it pods at 200 Hz have to wait in line; doctor and log say so."""

MAIN_CONF = "etc/bluetooth/main.conf"


@dataclass(frozen=True, slots=True)
class RadioFinding:
    """One thing to know. `look`: something a person can better."""

    name: str
    look: bool
    text: str


def radio_findings(root: Path = Path("/")) -> list[RadioFinding]:
    """All that the files under `root` tell; empty where they tell nothing."""
    return [*_switch(root), *_interval(root), *_neighbours(root)]


def configured_interval_ms(root: Path = Path("/")) -> tuple[float, float] | None:
    """Shortest and longest connection interval that BlueZ asks for; None: its configuration does not say."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # BlueZ minds capitals
    try:
        parser.read_string((root / MAIN_CONF).read_text(encoding="utf-8"))
        units = [int(parser["LE"][key]) for key in ("MinConnectionInterval", "MaxConnectionInterval")]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError, ValueError):
        return None
    return units[0] * UNIT_MS, units[1] * UNIT_MS


def _interval(root: Path) -> list[RadioFinding]:
    if not (root / MAIN_CONF).exists():
        return []
    asked = configured_interval_ms(root)
    advice = (
        f"set [LE] MinConnectionInterval={WANTED_INTERVAL_MS[0] / UNIT_MS:.0f} and"
        f" MaxConnectionInterval={WANTED_INTERVAL_MS[1] / UNIT_MS:.0f} in /{MAIN_CONF} and restart bluetooth.service"
    )
    if asked is None:
        low, high = DEFAULT_INTERVAL_MS
        text = f"BlueZ leaves it to Linux: {low:g} to {high:g} ms, which is long for two pods at 200 Hz; {advice}"
        return [RadioFinding("connection interval", True, text)]
    look = asked[1] > LONG_INTERVAL_MS
    text = f"BlueZ asks for {asked[0]:g} to {asked[1]:g} ms" + (f"; {advice}" if look else "")
    return [RadioFinding("connection interval", look, text)]


def _switch(root: Path) -> list[RadioFinding]:
    found = []
    for switch in sorted((root / "sys/class/rfkill").glob("rfkill*")):
        if _read(switch / "type") != "bluetooth":
            continue
        if _read(switch / "hard") == "1":
            text = "a switch or key of this computer turns Bluetooth off (rfkill: hard blocked)"
            found.append(RadioFinding("radio switch", True, text))
        elif _read(switch / "soft") == "1":
            text = "Bluetooth is switched off in software: rfkill unblock bluetooth"
            found.append(RadioFinding("radio switch", True, text))
    return found


def _neighbours(root: Path) -> list[RadioFinding]:
    """An adapter that is soldered beside a Wi-Fi in use shares its antenna; one on USB does not."""
    adapters = sorted((root / "sys/class/bluetooth").glob("hci*"))
    if not adapters:
        return []
    on_usb = {
        adapter.name: "/usb" in str((adapter / "device").resolve()) for adapter in adapters if ":" not in adapter.name
    }
    wifi = [
        net.name
        for net in sorted((root / "sys/class/net").glob("*"))
        if (net / "wireless").exists() and _read(net / "operstate") == "up"
    ]
    if wifi and on_usb and not any(on_usb.values()):
        text = (
            f"the built-in Bluetooth shares its antenna with Wi-Fi ({wifi[0]} is up): samples get lost when Wi-Fi is"
            " busy; a USB Bluetooth dongle on a short cable, 5 GHz Wi-Fi or a network cable help"
        )
        return [RadioFinding("radio neighbours", True, text)]
    if on_usb:
        kinds = ", ".join(f"{name} ({'USB' if usb else 'built in'})" for name, usb in on_usb.items())
        return [RadioFinding("radio neighbours", False, f"{kinds}; no Wi-Fi in use beside a built-in one")]
    return []


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
