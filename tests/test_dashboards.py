"""Every query of the dashboard on a real InfluxDB that the real sink has filled: the values, not just some answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from sensord.model import NS, StoredEvent
from sensord.sinks.influx import InfluxSink
from sensord.sinks.lines import MEASUREMENTS, RUN_TAGS
from tests.sinks.made_events import ANCHOR_NS, RUN, a_run
from tests.sinks.servers import Influxd, InfluxProxy

FOLDER = Path(__file__).parents[1] / "dashboards"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "sensord-run.json").read_text(encoding="utf-8"))
PANELS: dict[str, dict[str, Any]] = {panel["title"]: panel for panel in DASHBOARD["panels"]}
VARIABLES: dict[str, dict[str, Any]] = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
(ANNOTATION,) = [entry for entry in DASHBOARD["annotations"]["list"] if not entry.get("builtIn")]
SOURCE = {"type": "influxdb", "uid": "sensord-influx"}

OTHER_RUN, OTHER_RUNNER = "01JAC0FFEE0000000000000002", "01JAC0FFEE0000000000000003"
SECONDS = 120


def with_more(events: list[StoredEvent]) -> list[StoredEvent]:
    """The same run with everything in every window from half-time on, and a metric that is told by difference."""
    more: list[StoredEvent] = []
    for event in events:
        if event.kind == "gait":
            second = event.t_ns // NS
            sure = {"speed_mps": 2.85 + 0.001 * second, "speed_sd_mps": 0.1, "distance_sd_m": 0.03 * second,
                    "estimated_m": 0.5 * second, "flight_time_s": 0.1 - 0.001 * second}  # fmt: skip
            one_clock = {"flight_time_left_s": 0.11, "flight_time_right_s": 0.09, "sync_quality_ms": 1.0 + 0.1 * second}
            payload = {**event.payload, **sure, **(one_clock if second > SECONDS / 2 else {})}
            more.append(replace(event, payload=payload))
        else:
            more.append(event)
        if event.kind == "asymmetry":
            value = event.t_ns / NS
            told = {**event.payload, "metric": "flight_time", "si_pct": None, "si_low_pct": None, "si_high_pct": None,
                    "unit": "ms", "difference": -value, "difference_low": -value - 4.0, "difference_high": 4.0 - value,
                    "left": 0.104, "right": 0.111, "why": "no baseline: 0 of 3 runs"}  # fmt: skip
            more.append(replace(event, payload=told))
    return [replace(event, seq=at + 1, n=at) for at, event in enumerate(more)]


EVENTS = with_more(a_run(SECONDS))
FROM_MS, TO_MS = ANCHOR_NS // 10**6 - 1000, ANCHOR_NS // 10**6 + SECONDS * 1000 + 1000
INTERVAL_S = 10


def every_query() -> list[str]:
    queries = [target["query"] for panel in PANELS.values() for target in panel["targets"]]
    return [*queries, ANNOTATION["target"]["query"], *(variable["query"] for variable in VARIABLES.values())]


def of(kind: str, **wanted: object) -> list[StoredEvent]:
    return [e for e in EVENTS if e.kind == kind and all(e.payload[key] == value for key, value in wanted.items())]


# ------------------------------------------------------------------------------------------------ the files


def test_the_dashboard_is_one_file_that_fits_any_machine() -> None:
    text = (FOLDER / "sensord-run.json").read_text(encoding="utf-8")
    assert DASHBOARD["uid"] == "sensord-run"
    assert list(VARIABLES) == ["runner", "run", "algo", "metric"]
    assert not re.search(r"https?://|localhost|\d+\.\d+\.\d+\.\d+|/home/|\$\{DS_", text)
    sources = [item["datasource"] for panel in PANELS.values() for item in (panel, *panel["targets"])]
    sources += [item["datasource"] for item in (*VARIABLES.values(), ANNOTATION)]
    assert all(source == SOURCE for source in sources)


def test_panels_say_which_question_they_answer_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids) == len(PANELS)
    for panel in PANELS.values():
        assert "?" in panel["description"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0
    cells = [
        (x, y)
        for panel in PANELS.values()
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_words_we_do_not_use() -> None:
    text = (FOLDER / "sensord-run.json").read_text(encoding="utf-8").lower()
    for word in ("injury risk", "bone load", "diagnos", "safe"):
        assert word not in text


@pytest.mark.parametrize("query", every_query())
def test_queries_name_only_what_the_sink_writes(query: str) -> None:
    (measurement,) = re.findall(r'FROM "(\w+)"', query)
    known = {key for m in MEASUREMENTS.values() if m.name == measurement for key in (*m.fields, *m.tags)}
    aliases = set(re.findall(r'AS "([^"]+)"', query))
    used = set(re.findall(r'"([^"]+)"', query)) - aliases - {measurement}
    assert used <= known | {*RUN_TAGS, "t_ns", "event_n"}


def test_data_queries_look_at_one_run_and_the_chosen_time() -> None:
    for query in every_query():
        if not query.startswith("SHOW"):
            for part in ('"runner" =~ /^$runner$/', '"run" =~ /^$run$/', '"algo" =~ /^$algo$/', "$timeFilter"):
                assert part in query


def test_provisioning_names_the_data_source_and_no_machine() -> None:
    source = (FOLDER / "provisioning/datasources/sensord.yaml").read_text(encoding="utf-8")
    provider = (FOLDER / "provisioning/dashboards/sensord.yaml").read_text(encoding="utf-8")
    assert re.search(r"^ +uid: sensord-influx$", source, re.MULTILINE)
    assert re.search(r"^ +version: InfluxQL$", source, re.MULTILINE)
    assert re.search(r"^ +allowUiUpdates: false$", provider, re.MULTILINE)
    assert not re.search(r"https?://|localhost|path: /", source + provider)
    compose = (FOLDER.parent / "compose.yaml").read_text(encoding="utf-8")
    assert "Not run here" in compose
    for name in set(re.findall(r"\$(SENSORD_\w+)", source + provider)):
        assert re.search(rf"^ +{name}: ", compose, re.MULTILINE), f"compose.yaml does not set {name}"
    assert all(port.startswith('"127.0.0.1:') for port in re.findall(r"ports: \[(.*)\]", compose))


# ------------------------------------------------------------------------------------------------ the queries


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """An InfluxDB that the sink has filled: the run we look at, another one of the same runner, one of another."""
    with Influxd(tmp_path_factory.mktemp("influxd")) as influxd:
        influxd.create("sensord")
        later_ns = ANCHOR_NS + 3600 * NS
        runs = [
            EVENTS,
            a_run(60, first_seq=10_000, run=OTHER_RUN, anchor_ns=later_ns),
            a_run(60, first_seq=20_000, run=OTHER_RUNNER, runner="runner-2"),  # at the very same time
        ]

        async def fill() -> None:
            async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket="sensord") as sink:
                for run in runs:
                    await sink.send(run)

        asyncio.run(fill())
        yield influxd


def expand(query: str, **variables: str) -> str:
    """What Grafana makes of a query before it sends it."""
    chosen = {"runner": "runner-1", "run": RUN, "algo": "1", "metric": "contact_time", **variables}
    query = query.replace("$timeFilter", f"time >= {FROM_MS}ms and time <= {TO_MS}ms")
    query = query.replace("$__interval", f"{INTERVAL_S}s")
    for name, value in chosen.items():
        query = query.replace(f"${name}", value)
    assert "$" not in query.replace("$/", "")
    return query


@pytest.fixture(scope="module")
def ask(server: Influxd) -> Callable[..., list[dict[str, Any]]]:
    """Rows of a panel's query, by title and reference."""

    def run(title: str, reference: str = "A", **variables: str) -> list[dict[str, Any]]:
        (query,) = [target["query"] for target in PANELS[title]["targets"] if target["refId"] == reference]
        return server.query(expand(query, **variables), "sensord")

    return run


Ask = Callable[..., list[dict[str, Any]]]

servers = pytest.mark.servers


def buckets(values: list[tuple[int, float]], how: Callable[[list[float]], float]) -> dict[int, float]:
    """Values by run time, gathered as GROUP BY time() does; keys are the beginnings in ns since 1970."""
    width_ns = INTERVAL_S * NS
    found: dict[int, list[float]] = {}
    for t_ns, value in values:
        found.setdefault((ANCHOR_NS + t_ns) // width_ns * width_ns, []).append(value)
    return {time_ns: how(group) for time_ns, group in found.items()}


def column(rows: list[dict[str, Any]], name: str) -> dict[int, float]:
    return {row["time"]: row[name] for row in rows if row[name] is not None}


@servers
def test_variables_offer_runners_then_their_runs_then_the_algorithms(server: Influxd) -> None:
    def offered(name: str, **variables: str) -> list[str]:
        return [row["value"] for row in server.query(expand(VARIABLES[name]["query"], **variables), "sensord")]

    assert offered("runner") == ["runner-1", "runner-2"]
    assert offered("run") == [RUN, OTHER_RUN]
    assert offered("run", runner="runner-2") == [OTHER_RUNNER]
    assert offered("algo") == ["1"]
    assert offered("metric") == ["contact_time", "flight_time"]
    assert VARIABLES["run"]["sort"] == 2, "run ids begin with their time: the newest comes first"


@servers
def test_annotations_are_the_alerts(server: Influxd) -> None:
    target = ANNOTATION["target"]
    rows = server.query(expand(target["query"]), "sensord")
    assert [row[target["textColumn"]] for row in rows] == [event.payload["text"] for event in of("alert")]
    tags = [[row[tag] for tag in target["tagsColumn"].split(",")] for row in rows]
    assert tags == [["warn", "onset"], ["warn", "recovery"]]


@servers
@pytest.mark.parametrize(
    ("title", "reference", "column_name", "field", "how"),
    [
        ("Cadence", "A", "cadence", "cadence_spm", mean),
        ("Distance and its limits", "A", "distance", "distance_m", lambda group: group[-1]),
        ("Running time and its limits", "A", "running", "run_time_s", lambda group: group[-1]),
        ("Running time and its limits", "A", "walking", "walk_time_s", lambda group: group[-1]),
    ],
)
def test_lines_of_both_feet(ask: Ask, title: str, reference: str, column_name: str, field: str, how: Any) -> None:
    wanted = buckets([(event.t_ns, event.payload[field]) for event in of("gait")], how)
    assert column(ask(title, reference), column_name) == pytest.approx(wanted)
    assert len(wanted) == SECONDS // INTERVAL_S


@servers
@pytest.mark.parametrize(
    ("title", "reference", "column_name", "field"),
    [
        ("Contact time", "A", "contact", "contact_time_s"),
        ("Impact", "A", "impact", "impact_peak_g"),
        ("Impact", "B", "clipped", "impact_clipped_share"),
    ],
)
@pytest.mark.parametrize("foot", ["left", "right"])
def test_lines_of_each_foot(ask: Ask, title: str, reference: str, column_name: str, field: str, foot: str) -> None:
    rows = [row for row in ask(title, reference) if row["foot"] == foot]
    wanted = buckets([(event.t_ns, event.payload[foot][field]) for event in of("gait")], mean)
    assert column(rows, column_name) == pytest.approx(wanted)
    assert {row["foot"] for row in ask(title, reference)} == {"left", "right"}


@servers
@pytest.mark.parametrize("column_name", ["warn", "stop"])
@pytest.mark.parametrize(
    ("title", "rule"),
    [("Distance and its limits", "limit.distance"), ("Running time and its limits", "limit.run_time")],
)
def test_limits_are_drawn_from_where_they_were_first_known(ask: Ask, title: str, rule: str, column_name: str) -> None:
    drawn = column(ask(title, "B"), column_name)
    states = of("limit_state", rule=rule)
    assert set(drawn.values()) == {states[0].payload[column_name]}
    width_ns = INTERVAL_S * NS
    first_ns = (ANCHOR_NS + states[0].t_ns) // width_ns * width_ns
    assert min(drawn) == first_ns
    assert max(drawn) == TO_MS * 10**6 // width_ns * width_ns
    assert all(b - a == width_ns for a, b in pairwise(sorted(drawn)))


@servers
@pytest.mark.parametrize(
    ("title", "rule"),
    [("Distance and its limits", "limit.distance"), ("Running time and its limits", "limit.run_time")],
)
def test_what_a_limit_counts_is_drawn_beside_it(ask: Ask, title: str, rule: str) -> None:
    values = [(event.t_ns, event.payload["value"]) for event in of("limit_state", rule=rule)]
    assert column(ask(title, "C"), "counted") == buckets(values, lambda group: group[-1])


def last(group: list[float]) -> float:
    return group[-1]


@servers
@pytest.mark.parametrize(
    ("title", "reference", "metric", "fields"),
    [
        ("Contact time asymmetry", "A", "contact_time", ("left minus right", "low", "high")),
        ("Asymmetry of the chosen metric", "A", "contact_time", ("index", "low", "high")),
        ("Asymmetry of the chosen metric", "B", "flight_time", ("difference", "difference low", "difference high")),
    ],
)
def test_asymmetry_has_its_interval_where_there_is_one(
    ask: Ask, title: str, reference: str, metric: str, fields: tuple[str, ...]
) -> None:
    rows = ask(title, reference, metric=metric)
    stored = ("difference", "difference_low", "difference_high") if reference == "B" else (
        "si_pct", "si_low_pct", "si_high_pct")  # fmt: skip
    for name, field in zip(fields, stored, strict=True):
        told = of("asymmetry", metric=metric)
        values = [(event.t_ns, event.payload[field]) for event in told if event.payload[field] is not None]
        assert column(rows, name) == pytest.approx(buckets(values, last))
        assert values
    if metric == "contact_time":
        assert len(column(rows, "low")) < len(column(rows, fields[0]))


@servers
def test_a_metric_told_by_difference_has_no_index(ask: Ask) -> None:
    assert ask("Asymmetry of the chosen metric", "A", metric="flight_time") == []
    assert ask("Asymmetry of the chosen metric", "B", metric="contact_time")[0]["difference"] == 1.25


@servers
def test_how_sure_speed_and_distance_are_is_drawn_round_them(ask: Ask) -> None:
    windows = [(e.t_ns, e.payload) for e in of("gait")]
    speed = ask("Speed")
    for name, sign in (("speed", 0.0), ("low", -1.0), ("high", 1.0)):
        values = [(t_ns, p["speed_mps"] + sign * p["speed_sd_mps"]) for t_ns, p in windows]
        assert column(speed, name) == pytest.approx(buckets(values, mean))
    distance = ask("Distance and its limits", "D")
    for name, sign in (("low", -1.0), ("high", 1.0)):
        values = [(t_ns, p["distance_m"] + sign * p["distance_sd_m"]) for t_ns, p in windows]
        assert column(distance, name) == pytest.approx(buckets(values, last))
    estimated = buckets([(t_ns, p["estimated_m"]) for t_ns, p in windows], last)
    assert column(ask("Distance and its limits", "E"), "estimated") == pytest.approx(estimated)


@servers
def test_flight_of_one_side_is_there_only_while_the_clocks_agree(ask: Ask) -> None:
    windows = [(e.t_ns, e.payload) for e in of("gait")]
    flight = buckets([(t_ns, p["flight_time_s"]) for t_ns, p in windows], mean)
    assert column(ask("Flight time"), "mean") == pytest.approx(flight)
    for side in ("left", "right"):
        values = [(t_ns, v) for t_ns, p in windows if (v := p[f"flight_time_{side}_s"]) is not None]
        assert column(ask("Flight time", "B"), side) == pytest.approx(buckets(values, mean))
        assert len(values) < len(windows)
    apart = [(t_ns, v) for t_ns, p in windows if (v := p["sync_quality_ms"]) is not None]
    assert column(ask("Clocks of the two pods"), "apart") == pytest.approx(buckets(apart, max))


@servers
@pytest.mark.parametrize("foot", ["left", "right"])
def test_strides_tell_how_a_foot_lands_and_its_force(ask: Ask, foot: str) -> None:
    strides = [e for e in of("stride", foot=foot, activity="run") if e.payload["confidence"] >= 0.5]
    for title, name, field in (
        ("Strike angle", "angle", "strike_angle_deg"),
        ("Peak force, estimated", "force", "force_peak_bw"),
    ):
        rows = [row for row in ask(title) if row["foot"] == foot]
        assert column(rows, name) == pytest.approx(buckets([(e.t_ns, e.payload[field]) for e in strides], mean))
    (row,) = [row for row in ask("How each foot lands") if row["foot"] == foot]
    assert row["angle"] == pytest.approx(-3.5)
    known = [v for e in strides if (v := e.payload["strike_midfoot_p"]) is not None]
    assert row["midfoot"] == (pytest.approx(mean(known)) if known else None)


@servers
def test_the_newest_value_of_every_metric_stands_as_a_whole(ask: Ask) -> None:
    rows = {row["metric"]: row for row in ask("Left and right in every metric")}
    assert set(rows) == {"contact_time", "flight_time"}
    for metric, row in rows.items():
        newest = of("asymmetry", metric=metric)[-1].payload
        columns = [key for key in row if key not in ("_name", "time", "metric")]
        assert {key: row[key] for key in columns} == {key: newest[key] for key in columns}
        assert len(columns) == 18


@servers
def test_the_load_of_each_foot_is_its_newest(ask: Ask) -> None:
    rows = {row["foot"]: row for row in ask("Load of each foot")}
    assert set(rows) == {"left", "right"}
    for foot, row in rows.items():
        newest = of("load", foot=foot)[-1].payload
        for key in ("strides", "walk_strides", "impulse_sum_bw_s", "weighted_cycles", "exponent_source", "why"):
            assert row[key] == newest[key]
        assert [row[f"bin_{at}"] for at in range(len(newest["bins"]))] == list(newest["bins"])
    assert rows["left"]["bin_0"] is not None
    for row in ask("Impulse so far, estimated"):
        assert row["impulse"] == of("load", foot=row["foot"])[-1].payload["impulse_sum_bw_s"]


@servers
def test_where_each_limit_stands_is_its_newest_state_as_a_whole(ask: Ask) -> None:
    """Not the newest value of each column: a reason that is over must not stand beside a state that has none."""
    rows = {row["rule"]: row for row in ask("Where each limit stands")}
    assert set(rows) == {"limit.distance", "limit.run_time", "asymmetry.contact_time"}
    for rule, row in rows.items():
        newest = of("limit_state", rule=rule)[-1].payload
        for key in ("status", "level", "value", "warn", "stop", "unit", "n", "n_needed", "reason"):
            assert row[key] == newest[key]
    assert rows["asymmetry.contact_time"]["reason"] == "0 of 30 pairs"


@servers
def test_alerts_are_all_there_newest_first(ask: Ask) -> None:
    rows = ask("Alerts")
    for row, event in zip(rows, reversed(of("alert")), strict=True):
        keys = ("phase", "level", "rule", "cue", "text", "value", "limit", "unit", "duration_s")
        assert {key: row[key] for key in keys} == {key: event.payload[key] for key in keys}
        assert abs(row["time"] - ANCHOR_NS - event.t_ns) < 1000


@servers
def test_what_the_run_came_to_is_its_summary(ask: Ask) -> None:
    (row,) = ask("What the run came to")
    (summary,) = of("summary")
    columns = [key for key in row if key not in ("_name", "time")]
    assert {key: row[key] for key in columns} == {key: summary.payload[key] for key in columns}
    assert len(columns) == 17
    assert {"distance_sd_m", "estimated_m", "configured_m", "speed_mps"} <= set(columns)


@servers
def test_pods_and_strides_tell_how_good_the_data_is(ask: Ask) -> None:
    for row in ask("Pods"):
        newest = {key: value for key, value in of("pod", foot=row["foot"])[-1].payload.items() if key != "foot"}
        assert {key: row[key] for key in newest} == newest
    assert {row["foot"] for row in ask("Pods")} == {"left", "right"}
    wanted: dict[str, dict[str, object]] = {"strides": {}, "gaps": {"gap": True}, "clipped": {"impact_clipped": True}}
    for reference, (name, which) in zip("ABC", wanted.items(), strict=True):
        found = {row["foot"]: row[name] for row in ask("Strides", reference)}
        counts = {foot: len(of("stride", foot=foot, **which)) for foot in ("left", "right")}
        assert found == {foot: count for foot, count in counts.items() if count}
        assert sum(counts.values()) > 0


@servers
def test_notes_with_and_without_a_foot(ask: Ask) -> None:
    notes = {(e.payload["foot"], e.payload["code"], e.payload["text"]) for e in of("note")}
    assert {(row["foot"], row["code"], row["text"]) for row in ask("Notes")} == notes
    assert {foot for foot, *_ in notes} == {"left", None}


@servers
def test_every_query_keeps_to_the_chosen_run(server: Influxd, ask: Ask) -> None:
    """A runner without runs gets empty panels, not somebody else's."""
    for title, panel in PANELS.items():
        for target in panel["targets"]:
            assert ask(title, target["refId"], runner="runner-3") == []
            assert ask(title, target["refId"], run=OTHER_RUN) == [], "the other run was an hour later"
    assert server.query(expand(ANNOTATION["target"]["query"], runner="runner-3"), "sensord") == []
