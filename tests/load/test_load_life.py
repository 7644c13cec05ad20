"""The life of a run: unit tests of each way through the table, and what no order of inputs may break."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.load.life import END_AFTER_S, PAUSE_AFTER_S, RunLife
from sensord.model import NS, RunState, Side, Tick
from tests.load.made_strides import a_stride


def tick(t_s: float) -> Tick:
    return Tick(round(t_s * NS), 0)


def linked() -> RunLife:
    life = RunLife()
    assert [c.state for c in life.on_link(0, True)] == [RunState.READY]
    return life


def running(last_s: float = 1.0) -> RunLife:
    life = linked()
    assert [c.state for c in life.on_stride(a_stride(Side.LEFT, last_s - 0.7, last_s))] == [RunState.RUNNING]
    return life


def until_change(life: RunLife, from_s: int, to_s: int) -> tuple[int, RunState, str]:
    for t_s in range(from_s, to_s):
        if changes := life.on_tick(tick(t_s)):
            return t_s, changes[0].state, changes[0].reason
    raise AssertionError(f"nothing happened between {from_s} and {to_s} s, state {life.state}")


def test_a_run_is_ready_with_its_first_pod_and_only_once() -> None:
    life = linked()
    assert life.on_link(NS, True) == []
    assert life.state is RunState.READY


def test_pauses_after_thirty_seconds_and_runs_on_with_the_next_stride() -> None:
    life = running(last_s=10.0)
    assert until_change(life, 11, 100) == (10 + PAUSE_AFTER_S, RunState.PAUSED, "no stride for 30 s")
    assert [c.state for c in life.on_stride(a_stride(Side.RIGHT, 41.0, 41.7))] == [RunState.RUNNING]


def test_ends_ten_minutes_after_the_last_stride_and_stays_ended() -> None:
    life = running(last_s=10.0)
    assert until_change(life, 11, 100)[1] is RunState.PAUSED
    assert until_change(life, 41, 1000) == (10 + END_AFTER_S, RunState.ENDED, "no stride for 10 min")
    assert life.on_stride(a_stride(Side.LEFT, 700.0, 701.0)) == []
    assert life.on_link(800 * NS, True) == life.on_command(801 * NS, "end") == life.on_tick(tick(9000)) == []


def test_ready_without_a_stride_ends_with_its_own_reason() -> None:
    assert until_change(linked(), 1, 1000) == (END_AFTER_S, RunState.ENDED, "no strides")


def test_all_pods_gone_ends_a_run_but_one_that_returns_does_not() -> None:
    life = running(last_s=1.0)
    life.on_link(2 * NS, False)
    life.on_link(300 * NS, True)
    life.on_link(301 * NS, False)
    life.on_link(302 * NS, False)
    life.on_stride(a_stride(Side.LEFT, 400.0, 400.7))  # late news of a pod that has gone
    assert until_change(life, 402, 500)[1] is RunState.PAUSED
    assert until_change(life, 500, 2000) == (301 + END_AFTER_S, RunState.ENDED, "no pod for 10 min")


def test_end_is_a_command_in_every_state_others_are_not_for_us() -> None:
    for life in (RunLife(), linked(), running()):
        assert life.on_command(2 * NS, "sync") == []
        assert [c.state for c in life.on_command(3 * NS, "end")] == [RunState.ENDED]


def test_a_stride_older_than_the_pause_does_not_wake_a_paused_run() -> None:
    life = running(last_s=10.0)
    until_change(life, 11, 100)
    life.on_tick(tick(100))
    assert life.on_stride(a_stride(Side.RIGHT, 20.0, 20.7)) == []
    assert life.state is RunState.PAUSED


def test_a_stride_without_run_time_still_starts_a_run() -> None:
    life = linked()
    assert [c.state for c in life.on_stride(a_stride(Side.LEFT, None))] == [RunState.RUNNING]


inputs = st.lists(
    st.tuples(st.sampled_from(["link", "gone", "stride", "tick", "end"]), st.integers(0, 900)), min_size=1, max_size=60
)


@settings(max_examples=80, deadline=None)
@given(inputs)
def test_no_order_of_inputs_leaves_the_table(steps: list[tuple[str, int]]) -> None:
    life, t_s, seen = RunLife(), 0, []
    for what, wait_s in steps:
        t_s += wait_s
        t_ns = t_s * NS
        seen += {
            "link": lambda t=t_ns: life.on_link(t, True),
            "gone": lambda t=t_ns: life.on_link(t, False),
            "stride": lambda t=t_s: life.on_stride(a_stride(Side.LEFT, t - 0.7, t)),
            "tick": lambda t=t_s: life.on_tick(tick(t)),
            "end": lambda t=t_ns: life.on_command(t, "end"),
        }[what]()
    states = [c.state for c in seen]
    assert all(a is not b for a, b in itertools.pairwise(states))
    assert RunState.ENDED not in states[:-1]
    assert states.count(RunState.READY) <= 1
    assert not states or states[-1] is life.state
