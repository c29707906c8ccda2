"""The journal of a stream: what was appended comes back, torn ends are dropped, damage is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.errors import AdcliError, DataError
from adcli.optimize.stream.journal import START, Journal, framed, records

PAYLOADS = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("journal") / "journal.ndjson"


def write(path, payloads):
    path.unlink(missing_ok=True)
    journal = Journal(path, START, "process")
    for payload in payloads:
        journal.append(payload)
    journal.close()


def read(path):
    return [payload for payload, _ in records(path)]


@given(PAYLOADS)
def test_what_was_appended_comes_back(path, payloads):
    write(path, payloads)
    assert read(path) == payloads


@given(PAYLOADS, st.integers(0, 10_000))
def test_any_truncation_is_a_clean_prefix(path, payloads, cut):
    write(path, payloads)
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % (len(whole) + 1)])
    found = read(path)
    assert found == payloads[: len(found)]
    kept = sum(len(framed(payload)) for payload in payloads[: len(found) + 1])
    assert len(found) == len(payloads) or cut % (len(whole) + 1) < kept


@given(PAYLOADS, st.integers(0, 10_000), st.integers(0, 7))
def test_any_flipped_bit_is_told(path, payloads, place, bit):
    write(path, payloads)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        read(path)


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=3, max_size=5, unique=True), st.integers(0, 3))
def test_a_record_that_is_missing_or_stands_elsewhere_is_told(path, payloads, place):
    write(path, payloads)
    content, ends = path.read_bytes(), [0]
    for payload in payloads:
        ends.append(ends[-1] + len(framed(payload)))
    place %= len(payloads) - 1
    path.write_bytes(content[: ends[place]] + content[ends[place + 1] :])
    with pytest.raises(DataError, match="damaged"):
        read(path)


def test_a_torn_end_is_cut_off_when_writing_goes_on(path):
    write(path, [b"one\n", b"two\n"])
    path.write_bytes(path.read_bytes()[:-2])
    *_, (_, position) = records(path)
    journal = Journal(path, position, "power")
    journal.append(b"three\n")
    journal.close()
    assert read(path) == [b"one\n", b"three\n"]


def test_a_record_that_cannot_be_written_leaves_nothing(path, monkeypatch):
    write(path, [b"one\n"])
    *_, (_, position) = records(path)
    journal = Journal(path, position, "process")
    import os

    whole_write, calls = os.write, []

    def write_half(file, content):
        calls.append(file)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return whole_write(file, content[:7])

    monkeypatch.setattr(os, "write", write_half)
    with pytest.raises(AdcliError, match="No space left on device"):
        journal.append(b"two\n")
    monkeypatch.undo()
    assert read(path) == [b"one\n"]
    assert path.stat().st_size == position.offset
    journal.append(b"three\n")
    journal.close()
    assert read(path) == [b"one\n", b"three\n"]
