"""The dashboard on the demo's run: its story through the pipeline, the real store and sink, into a real InfluxDB."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensord.demo import SCRIPT, demo_plan
from sensord.model import ALGORITHM, Event
from sensord.pipeline import Pipeline
from sensord.sinks.influx import InfluxSink
from sensord.store import Store
from tests.sinks.servers import Influxd, InfluxProxy
from tests.worlds import WALL_NS, World, world

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

DASHBOARD = json.loads((Path(__file__).parents[1] / "dashboards" / "sensord-run.json").read_text(encoding="utf-8"))
QUERIES = {
    f"{panel['title']} {target['refId']}": target["query"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}


@pytest.fixture(scope="module")
def demo() -> World:
    return world(SCRIPT, loss=0.01, plan_text=demo_plan().read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def events(demo: World) -> list[Event]:
    pipeline = Pipeline(demo.setup)
    return [event for item in demo.inputs for event in pipeline.push(item)] + pipeline.flush()


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory, demo: World, events: list[Event]) -> Iterator[Influxd]:
    folder = tmp_path_factory.mktemp("demo")
    store = Store.open(folder / "sensord.db", gateway="test")
    store.begin_run(demo.setup, file="x.run", boot_id="boot", boottime_ns=1, begun_wall_ns=WALL_NS)
    store.append(demo.setup.run, ALGORITHM, events)
    with Influxd(folder / "influxd") as server:
        server.create("sensord")

        async def fill() -> None:
            async with InfluxProxy(server) as proxy, InfluxSink(proxy.url, org="o", bucket="sensord") as sink:
                await sink.send(store.read_after(0, 100_000))

        asyncio.run(fill())
        store.close()
        yield server


BY_DIFFERENCE = "Asymmetry of the chosen metric B"
"""Shows what is compared by difference, not by index: with the metric flight time."""


def ask(server: Influxd, demo: World, query: str, metric: str = "contact_time") -> list[dict[str, Any]]:
    first_ms, last_ms = WALL_NS // 10**6, (WALL_NS + demo.inputs[-1].t_ns) // 10**6
    query = query.replace("$timeFilter", f"time >= {first_ms}ms and time <= {last_ms + 1000}ms").replace(
        "$__interval", "10s"
    )
    chosen = (("runner", demo.setup.runner), ("run", demo.setup.run), ("algo", ALGORITHM), ("metric", metric))
    for name, value in chosen:
        query = query.replace(f"${name}", value)
    return server.query(query, "sensord")


@pytest.mark.slow
@pytest.mark.parametrize("name", QUERIES)
def test_every_panel_shows_the_demo(influxd: Influxd, demo: World, events: list[Event], name: str) -> None:
    rows = ask(influxd, demo, QUERIES[name], "flight_time" if name == BY_DIFFERENCE else "contact_time")
    # InfluxQL has no row for a count of nothing: the demo's pods reach 32 g and clip nothing
    clipped = any(e.payload["impact_clipped"] for e in events if e.kind == "stride")
    assert bool(rows) is (clipped or name != "Strides C"), f"{name} is empty"


def test_the_story_is_what_the_panels_tell(influxd: Influxd, demo: World, events: list[Event]) -> None:
    alerts = [e.payload for e in events if e.kind == "alert"]
    shown = ask(influxd, demo, QUERIES["Alerts A"])
    assert sorted(row["text"] for row in shown) == sorted(a["text"] for a in alerts)
    assert {a["rule"] for a in alerts} == {"limit.distance", "asymmetry.contact_time"}
    strides = ask(influxd, demo, QUERIES["Strides A"])
    assert sum(row["strides"] for row in strides) == sum(e.kind == "stride" for e in events)
    [summary] = [e.payload for e in events if e.kind == "summary"]
    [total] = ask(influxd, demo, QUERIES["What the run came to A"])
    assert total["distance_m"] == summary["distance_m"]
    cadence = [row["cadence"] for row in ask(influxd, demo, QUERIES["Cadence A"]) if row["cadence"] is not None]
    windows = [e.payload["cadence_spm"] for e in events if e.kind == "gait" and e.payload["cadence_spm"] is not None]
    assert min(windows) <= min(cadence) <= max(cadence) <= max(windows)
    limits = {row["rule"]: row["status"] for row in ask(influxd, demo, QUERIES["Where each limit stands A"])}
    assert limits["limit.distance"] == "over"
    assert limits["impact"] == "not_checked"


def test_what_is_told_of_both_feet_is_what_was_measured(influxd: Influxd, demo: World, events: list[Event]) -> None:
    newest = {e.payload["metric"]: e.payload for e in events if e.kind == "asymmetry"}
    shown = {row["metric"]: row for row in ask(influxd, demo, QUERIES["Left and right in every metric A"])}
    assert set(shown) == set(newest)
    assert len(shown) == 10  # the demo's pods have clocks that agree: step and flight times are there
    for metric, row in shown.items():
        for key in ("si_pct", "si_low_pct", "difference", "left", "right", "n", "mdc", "why"):
            assert row[key] == newest[metric][key], (metric, key)
    loads = {e.payload["foot"]: e.payload for e in events if e.kind == "load"}
    for row in ask(influxd, demo, QUERIES["Load of each foot A"]):
        load = loads[row["foot"]]
        assert (row["strides"], row["impulse_sum_bw_s"]) == (load["strides"], load["impulse_sum_bw_s"])
        assert row["weighted_cycles"] is None  # the demo's plan states no exponent
        assert row["why"] == "no exponent in the plan"
