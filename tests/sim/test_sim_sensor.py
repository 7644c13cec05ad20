"""What a pod makes of a motion: rest, mount, noise, range, rounding, clock and losses, each exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensord.errors import InputError
from sensord.model import G_MPS2, NS, Side
from sensord.sim.runner import DropOut, Run, RunnerSimulation, SensorModel, Stand, mount

PLAIN = RunnerSimulation([Stand(3), Run(12, impact_g=25), Stand(2)], seed=8)


def test_an_ideal_pod_at_rest_reads_g() -> None:
    foot = PLAIN.render(Side.LEFT, 200.0, SensorModel.ideal())
    still = foot.true_time_s < 2.5
    assert foot.acc_mps2[still] == pytest.approx(np.tile([0, 0, G_MPS2], (still.sum(), 1)), abs=1e-9)
    assert np.abs(foot.gyr_radps[still]).max() < 1e-12


def test_a_typical_pod_at_rest_reads_g_tilted_within_its_offsets() -> None:
    for side in Side:
        foot = PLAIN.render(side, 200.0)
        still = foot.true_time_s < 2.5
        level = foot.acc_mps2[still].mean(axis=0) @ foot.mount.T
        assert level == pytest.approx([0, 0, G_MPS2], abs=0.030 * G_MPS2 * 3**0.5)
        assert np.abs(np.rad2deg(foot.gyr_radps[still].mean(axis=0))).max() < 1.0
        nose_down = np.rad2deg(np.arcsin(-foot.mount[2, 0]))
        assert 26 < nose_down < 30
        noise = foot.acc_mps2[still].std(axis=0)
        assert noise == pytest.approx(np.full(3, 150e-6 * G_MPS2 * 10), rel=0.15)  # 150 ug/rtHz, 100 Hz of band


def test_feet_are_mounted_differently() -> None:
    left, right = (PLAIN.render(side, 100.0).mount for side in Side)
    assert np.sign(left[0, 1]) != np.sign(right[0, 1])


@settings(max_examples=20, deadline=None)
@given(turn=st.tuples(st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180)))
def test_the_mount_is_applied_exactly(turn: tuple[float, float, float]) -> None:
    yaw, pitch, roll = turn
    level = PLAIN.render(Side.RIGHT, 50.0, SensorModel.ideal())
    turned = PLAIN.render(Side.RIGHT, 50.0, SensorModel.ideal(mount(pitch, roll, yaw)))
    r = Rotation.from_euler("ZYX", [yaw, pitch, roll], degrees=True).as_matrix()
    assert turned.mount == pytest.approx(r)
    assert turned.acc_mps2 @ r.T == pytest.approx(level.acc_mps2, abs=1e-9)
    assert turned.gyr_radps @ r.T == pytest.approx(level.gyr_radps, abs=1e-9)


def test_noise_has_the_density_asked_for_and_offsets_are_added() -> None:
    offset, bias = (0.1, -0.2, 0.3), (0.01, 0.02, -0.03)
    quiet = PLAIN.render(Side.LEFT, 400.0, SensorModel.ideal())
    pod = SensorModel(
        acc_range_g=1e6, gyr_range_dps=1e9, bits=None, mount=SensorModel.ideal().mount,
        acc_offset_mps2=offset, gyr_bias_radps=bias, acc_noise_ug_rthz=200, gyr_noise_mdps_rthz=7,
    )  # fmt: skip
    noisy = PLAIN.render(Side.LEFT, 400.0, pod)
    acc, gyr = noisy.acc_mps2 - quiet.acc_mps2, noisy.gyr_radps - quiet.gyr_radps
    assert acc.mean(axis=0) == pytest.approx(offset, abs=0.003)
    assert gyr.mean(axis=0) == pytest.approx(bias, abs=1e-4)
    assert acc.std(axis=0) == pytest.approx(np.full(3, 200e-6 * G_MPS2 * np.sqrt(200)), rel=0.05)
    assert gyr.std(axis=0) == pytest.approx(np.full(3, np.deg2rad(7e-3) * np.sqrt(200)), rel=0.05)


def test_rattle_shakes_a_moving_foot_only() -> None:
    a, b = (PLAIN.render(Side.LEFT, 200.0, SensorModel(rattle=r)) for r in (0.0, 1.0))
    extra = np.abs(a.acc_mps2 - b.acc_mps2).max(axis=1)
    still = a.true_time_s < 2.5
    assert extra[still].max() == 0
    assert extra[~still].max() > G_MPS2


def test_the_clock_error_is_exact() -> None:
    pod = SensorModel.ideal(clock_ppm=80.0, clock_start_s=1234.5)
    foot = PLAIN.render(Side.LEFT, 200.0, pod)
    assert np.all(np.diff(foot.t_pod_ns) == 5_000_000)
    assert foot.t_pod_ns[0] == 1_234_500_000_000
    shown = (foot.t_pod_ns - foot.t_pod_ns[0]) / NS
    assert foot.true_time_s * (1 + 80e-6) == pytest.approx(shown, abs=1e-9)
    at = PLAIN.motion(Side.LEFT).sample(foot.true_time_s, np.array(pod.position_m))
    assert foot.acc_mps2 == pytest.approx(at.force_mps2, abs=1e-9)  # read in true time, labelled in pod time
    truth = [c.ic_s for c in PLAIN.truth.left_contacts if c.ic_s is not None]
    assert foot.ic_pod_ns == pytest.approx(np.array([(t * (1 + 80e-6) + 1234.5) * NS for t in truth]), abs=1)
    assert len(foot.tc_pod_ns) == sum(c.tc_s is not None for c in PLAIN.truth.left_contacts)


def test_an_impact_beyond_range_is_clipped_and_marked() -> None:
    full, free = (
        PLAIN.render(Side.LEFT, 1000.0, SensorModel.ideal(acc_range_g=r, gyr_range_dps=d))
        for r, d in ((8, 300), (1e6, 1e9))
    )
    for values, true, bits, limit in (
        (full.acc_mps2, free.acc_mps2, (0, 1, 2), 8 * G_MPS2),
        (full.gyr_radps, free.gyr_radps, (3, 4, 5), np.deg2rad(300)),
    ):
        assert np.abs(values).max() <= limit
        assert values == pytest.approx(np.clip(true, -limit, limit))
        for axis, bit in enumerate(bits):
            marked = (full.saturated >> bit & 1).astype(bool)
            assert np.array_equal(marked, np.abs(true[:, axis]) >= 0.995 * limit)
    assert full.saturated.any()
    assert not free.saturated.any()
    assert full.saturated.dtype == np.uint8


def test_values_are_whole_steps_of_the_converter() -> None:
    foot = PLAIN.render(Side.LEFT, 100.0, SensorModel(bits=12))
    counts = foot.acc_mps2 / (16 * G_MPS2 / 2**11)
    assert counts == pytest.approx(np.round(counts), abs=1e-6)
    assert counts.min() >= -(2**11)
    assert counts.max() <= 2**11 - 1


def test_lost_packets_are_whole_and_as_many_as_asked() -> None:
    foot = PLAIN.render(Side.LEFT, 200.0, SensorModel(loss=0.1, packet_samples=10))
    packets = np.unique(foot.index // 10, return_counts=True)
    assert (packets[1][:-1] == 10).all()
    assert 1 - len(packets[0]) / 340 == pytest.approx(0.1, abs=0.05)
    whole = PLAIN.render(Side.LEFT, 200.0, SensorModel())
    assert np.array_equal(foot.acc_mps2, whole.acc_mps2[foot.index])
    assert np.array_equal(foot.t_pod_ns, whole.t_pod_ns[foot.index])


def test_a_drop_out_silences_one_side_while_running_goes_on() -> None:
    simulation = RunnerSimulation([Stand(2), Run(6), DropOut(Side.LEFT, 4), Run(6), Stand(2)])
    left, right = (simulation.render(side, 200.0) for side in Side)
    assert not ((left.true_time_s >= 8) & (left.true_time_s < 12)).any()
    assert len(right) - len(left) == 800
    assert np.array_equal(np.unique(np.diff(left.index)), [1, 801])
    assert sum(8 < s.ic_s < 12 for s in simulation.truth.left) >= 4


def test_a_block_knows_what_is_missing_before_it() -> None:
    simulation = RunnerSimulation([Stand(2), Run(6), DropOut(Side.LEFT, 4), Run(6), Stand(2)])
    foot = simulation.render(Side.LEFT, 200.0)
    gap = int(np.argmax(np.diff(foot.index))) + 1
    assert foot.block(0, 100).missing_before == 0
    assert foot.block(gap, gap + 50).missing_before == 800
    block = foot.block(100, 300)
    assert len(block) == 200
    assert np.array_equal(block.acc_mps2, foot.acc_mps2[100:300])
    assert block.acc_range_mps2 == pytest.approx(16 * G_MPS2)
    assert len(foot.block()) == len(foot)


@pytest.mark.parametrize(
    ("pod", "rate_hz", "place"),
    [
        (SensorModel(acc_range_g=0), 200.0, "acc_range_g"),
        (SensorModel(loss=1.0), 200.0, "loss"),
        (SensorModel(bits=4), 200.0, "bits"),
        (SensorModel(mount=((1, 0, 0), (0, 1, 0), (0, 0, -1))), 200.0, "mount"),
        (SensorModel(), 1.0, "rate_hz"),
    ],
)
def test_a_pod_that_cannot_be_is_refused(pod: SensorModel, rate_hz: float, place: str) -> None:
    with pytest.raises(InputError) as caught:
        PLAIN.render(Side.LEFT, rate_hz, pod)
    assert caught.value.problems[0].place == place
