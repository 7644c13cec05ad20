"""Private servers for the tests of sinks: one of each for the session, and fresh ones for tests that break them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.sinks.servers import Influxd, Mosquitto

_numbers = count()


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    with Influxd(tmp_path_factory.mktemp("influxd")) as server:
        yield server


@pytest.fixture
def database(influxd: Influxd) -> Iterator[str]:
    name = influxd.create(f"test{next(_numbers)}")
    yield name
    influxd.query(f'DROP DATABASE "{name}"')


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as server:
        yield server


@pytest.fixture
def site() -> str:
    """A site of its own for each test that shares the broker."""
    return f"site{next(_numbers)}"


@pytest.fixture
def own_influxd(tmp_path: Path) -> Iterator[Influxd]:
    """One to stop and kill; running, with database `sensord`."""
    with Influxd(tmp_path / "influxd") as server:
        server.create("sensord")
        yield server


@pytest.fixture
def own_mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """One to stop, kill and freeze; running."""
    with Mosquitto(tmp_path / "mosquitto") as server:
        yield server


@pytest.fixture
def new_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Makes brokers with a password or TLS."""
    servers: list[Mosquitto] = []

    def make(**settings: object) -> Mosquitto:
        servers.append(Mosquitto(tmp_path / f"broker{len(servers)}", **settings).start())  # type: ignore[arg-type]
        return servers[-1]

    yield make
    for server in servers:
        server.stop()
