"""What this machine tells: its clocks, its boot, its free space. Read by faces; the core never asks."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path

CLOCK_NOT_SYNCHRONISED = 5
"""adjtimex(2) returns TIME_ERROR (5) while the kernel's clock is not synchronised."""


def boottime_ns() -> int:
    """Nanoseconds since boot, suspend included: the base of run time."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def wall_ns() -> int:
    """Wall time, ns since 1970."""
    return time.time_ns()


def boot_id() -> str:
    """Names this boot: two readings of `boottime_ns` compare only within one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def clock_trusted(setting: str = "auto") -> bool:
    """Whether the wall clock can be trusted: by order, or because a hardware clock kept it or NTP has set it."""
    if setting != "auto":
        return setting == "trusted"
    if any(Path("/sys/class/rtc").glob("rtc*")) or Path("/run/systemd/timesync/synchronized").exists():
        return True
    return _kernel_says_synchronised()


def _kernel_says_synchronised() -> bool:
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return False
    # struct timex with modes = 0 only reads; 512 bytes hold it on every architecture (it has 208 on x86-64)
    state = adjtimex(ctypes.create_string_buffer(512))
    return 0 <= int(state) < CLOCK_NOT_SYNCHRONISED


@dataclass(frozen=True, slots=True)
class Disk:
    """Free space where runs are kept."""

    free_bytes: int

    BYTES_PER_HOUR = 28_000_000
    """Two pods at 200 Hz in packets of 17 samples: what `python bench/recording.py` prints for the run file."""

    @property
    def hours(self) -> float:
        """How many hours of running fit."""
        return self.free_bytes / self.BYTES_PER_HOUR


def disk(folder: Path) -> Disk:
    """Free space for `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return Disk(shutil.disk_usage(folder).free)


def writable(folder: Path) -> bool:
    """Whether runs can be kept in `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


def names() -> list[str]:
    """Under what names others in the network reach this machine: its address, its name, its name with `.local`."""
    name = socket.gethostname().lower()
    found = [name, f"{name}.local"]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: only asks which address would be used (RFC 5737 test net)
        found.insert(0, probe.getsockname()[0])
    return found
