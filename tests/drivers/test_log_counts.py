"""Counts of a log: a piece is a packet; what of it cannot be read is damage, and the rest of it is read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, Decoder, LoggingDriver
from sensord.drivers.movella_dot_wire import RECORD, encode_record
from sensord.drivers.open_pod_log_wire import Piece, decode_piece, encode_piece
from sensord.drivers.sealed import seal, unseal
from sensord.errors import PacketError
from sensord.model import Json, Packet, SampleBlock
from tests.drivers.conformance import push_all, stamps
from tests.drivers.oddities import bytes_of, shimmer_piece
from tests.drivers.stories import armed_run
from tests.drivers.wireless import POD

HEAD_BYTES, MARK_BYTES, VALUES = 12, 16, 12


def decoder(name: str, armed: Mapping[str, Json]) -> Decoder:
    driver = DRIVERS[name]
    assert isinstance(driver, LoggingDriver)
    return driver.log_decoder(armed)


def read(made: Decoder, pieces: list[bytes]) -> list[SampleBlock]:
    return push_all(made, [Packet(POD, i, LOG, piece) for i, piece in enumerate(pieces)])


def open_pod() -> tuple[Mapping[str, Json], Piece, list[int]]:
    """A log, and where its packets begin."""
    armed, kept = armed_run("open-pod")
    (only,) = kept
    piece = decode_piece(only)
    starts, at = [], MARK_BYTES
    while at < len(piece.data) and piece.data[at] == 1:
        starts.append(at)
        at += HEAD_BYTES + VALUES * piece.data[at + 10]
    assert len(starts) > 8
    return armed, piece, starts


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=20), which=st.integers(1, 7))
def test_an_open_pods_packet_that_cannot_be_read_is_one_damage(sizes: list[int], which: int) -> None:
    """However the log is cut: nothing is refused, and what is lost is that packet."""
    armed, piece, starts = open_pod()
    whole = stamps(read(decoder("open-pod", armed), [encode_piece(piece)]))
    data = bytearray(piece.data)
    data[starts[which]] = 0x55  # no packet begins so, nor with a zero
    data[starts[which] + HEAD_BYTES : starts[which + 1]] = bytes(starts[which + 1] - starts[which] - HEAD_BYTES)
    n = data[starts[which] + 10]
    cuts = np.minimum(np.cumsum([0, *sizes, len(data)]), len(data)).tolist()
    pieces = [encode_piece(Piece(piece.log_id, a, bytes(data[a:b]))) for a, b in pairwise(cuts) if b > a]
    made = decoder("open-pod", armed)
    got = stamps(read(made, pieces))
    counts = made.counts
    assert (counts.packets, counts.duplicates, counts.rejected) == (len(pieces), 0, {})
    assert (counts.damaged, counts.lost, counts.samples) == (1, n, len(whole) - n)
    assert np.isin(got, whole).all()


def test_a_shimmers_records_out_of_time_are_one_damage() -> None:
    armed, kept = armed_run("shimmer3r")
    whole = stamps(read(decoder("shimmer3r", armed), kept))
    path = f"{armed['details']['log_directory']}/000"
    data = bytearray(bytes_of(kept[0]))
    size = (len(data) - 384) // len(whole)
    first = 384 + 100 * size
    for i in range(3):  # three records that say they are from before the ones before them
        data[first + i * size : first + i * size + 3] = data[384:387]
    made = decoder("shimmer3r", armed)
    got = stamps(read(made, [shimmer_piece(path, bytes(data))]))
    counts = made.counts
    assert (counts.packets, counts.rejected, counts.damaged) == (1, {}, 1)
    assert (counts.lost, counts.samples) == (3, len(whole) - 3)
    assert np.array_equal(got, np.delete(whole, [100, 101, 102]))


@pytest.mark.parametrize("cut", [1, 2, 100])
def test_a_dots_first_piece_may_hold_no_sample(cut: int) -> None:
    """Its first record is no sample where it is all zeros; wherever the pieces are cut, nothing is lost for that."""
    armed, kept = armed_run("movella-dot")
    file, _, data = unseal(kept[0])
    data = encode_record(0, 0, (0.0,) * 6, 0) + data[RECORD.itemsize :]
    at = cut * RECORD.itemsize
    made = decoder("movella-dot", armed)
    blocks = read(made, [seal(file, 0, data[:at]), seal(file, cut, data[at:])])
    assert {(b.segment, b.missing_before) for b in blocks} == {(0, 0)}
    assert (made.counts.samples, made.counts.lost) == (len(data) // RECORD.itemsize - 1, 0)


@pytest.mark.parametrize("name", [name for name, driver in DRIVERS.items() if isinstance(driver, LoggingDriver)])
def test_a_piece_that_is_refused_raises_and_is_counted_as_that(name: str) -> None:
    armed, kept = armed_run(name)
    made = decoder(name, armed)
    with pytest.raises(PacketError) as refused:
        read(made, [kept[0][:-1]])
    assert made.counts.rejected == {refused.value.reason: 1}
    assert (made.counts.packets, made.counts.duplicates, made.counts.damaged, made.counts.samples) == (1, 0, 0, 0)
