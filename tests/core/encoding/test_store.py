"""The store of vectors: nothing twice, nothing wrong, whatever happens to its files."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import models
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.core.encoding import cached
from adcli.core.encoding.cached import encode_cached, encode_cached_stream
from adcli.core.encoding.encoder import Encoder
from adcli.core.encoding.key_index import KeyIndex
from adcli.core.encoding.store import BLOCK_HEADER, VectorStore, text_keys

TEXTS = models.shop_texts(120, seed=3)


@pytest.fixture(scope="module")
def encoder(bert):
    return Encoder.load(str(bert), exact=True)


@pytest.fixture
def open_store(tmp_path, encoder):
    """Opens the same store anew, as the next run would."""
    return lambda **options: VectorStore(
        encoder.settings.fingerprint, encoder.dimension, directory=tmp_path / "vectors", **options
    )


@pytest.fixture
def computed(encoder, monkeypatch):
    """The texts that were computed."""
    seen = []
    original = type(encoder).encode_as_ready
    monkeypatch.setattr(
        type(encoder), "encode_as_ready", lambda self, texts: seen.extend(texts) or original(self, texts)
    )
    return seen


def segments(tmp_path):
    return sorted((tmp_path / "vectors").glob("*/*.vec"))


def test_the_second_run_computes_nothing_and_gives_the_same_bits(encoder, open_store, computed):
    first = encode_cached(encoder, TEXTS, open_store())
    assert sorted(computed) == sorted(set(TEXTS))
    computed.clear()
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, open_store()), first)
    assert computed == []
    np.testing.assert_array_equal(first, encoder.encode(TEXTS))


def test_only_what_is_new_is_computed(encoder, open_store, computed):
    encode_cached(encoder, TEXTS, open_store())
    computed.clear()
    whole = encode_cached(encoder, [*TEXTS, "a new thing", "mug"], open_store())
    assert set(computed) == {"a new thing", "mug"} - set(TEXTS)
    np.testing.assert_array_equal(whole, encoder.encode([*TEXTS, "a new thing", "mug"]))


def test_other_settings_have_other_vectors(bert, encoder, open_store, tmp_path, computed):
    encode_cached(encoder, TEXTS, open_store())
    other = Encoder.load(str(bert), exact=True, max_length=8)
    computed.clear()
    store = VectorStore(other.settings.fingerprint, other.dimension, directory=tmp_path / "vectors")
    np.testing.assert_array_equal(encode_cached(other, TEXTS, store), other.encode(TEXTS))
    assert computed


def test_a_stream_is_kept_and_found_block_by_block(encoder, open_store, monkeypatch, computed):
    monkeypatch.setattr(cached, "CHUNK_TEXTS", 32)
    blocks = list(encode_cached_stream(encoder, iter(TEXTS * 2), open_store()))
    assert [len(block) for block in blocks] == [32] * 7 + [16]
    assert sorted(computed) == sorted(set(TEXTS))
    np.testing.assert_array_equal(np.concatenate(blocks)[: len(TEXTS)], np.concatenate(blocks)[len(TEXTS) :])


def test_no_texts_are_no_vectors(encoder, open_store):
    assert encode_cached(encoder, [], open_store()).shape == (0, encoder.dimension)


def test_progress_counts_every_text_once_whether_known_or_not(encoder, open_store):
    for _ in range(2):
        counted = []
        encode_cached(encoder, [*TEXTS, *TEXTS[:7]], open_store(), counted.append)
        assert sum(counted) == len(TEXTS) + 7


@pytest.mark.parametrize("keep", [0, 1, 20, 31, 32, 100, 0.3, 0.5, 0.999])
def test_a_segment_cut_short_anywhere_costs_only_what_was_cut_off(encoder, open_store, tmp_path, keep):
    store = open_store()
    for start in range(0, len(TEXTS), 30):
        encode_cached(encoder, TEXTS[start : start + 30], store)
    (segment,) = segments(tmp_path)
    content = segment.read_bytes()
    segment.write_bytes(content[: int(keep if keep > 1 or keep == 0 else keep * len(content))])
    known, vectors = open_store().find(TEXTS)
    np.testing.assert_array_equal(vectors[known], encoder.encode(TEXTS)[known])
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, open_store()), encoder.encode(TEXTS))
    assert open_store().find(TEXTS)[0].all()


def test_changed_bytes_are_noticed_and_computed_again(encoder, open_store, tmp_path):
    encode_cached(encoder, TEXTS, open_store())
    (segment,) = segments(tmp_path)
    whole = segment.read_bytes()
    expected = encoder.encode(TEXTS)
    for place in np.random.default_rng(0).integers(0, len(whole), 60):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        segment.write_bytes(changed)
        known, vectors = open_store().find(TEXTS)
        np.testing.assert_array_equal(vectors[known], expected[known])
        assert known.sum() < len(TEXTS)


@pytest.mark.parametrize("field", range(1, 5))
def test_a_header_that_promises_too_much_is_passed_over_without_asking_for_the_memory(
    encoder, open_store, tmp_path, field
):
    encode_cached(encoder, TEXTS, open_store())
    (segment,) = segments(tmp_path)
    header = [*BLOCK_HEADER.unpack_from(segment.read_bytes())]
    header[field] = 2**32 - 1
    segment.write_bytes(BLOCK_HEADER.pack(*header) + segment.read_bytes()[BLOCK_HEADER.size :])
    known, _ = open_store().find(TEXTS)
    assert not known.any()
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, open_store()), encoder.encode(TEXTS))


def test_vectors_that_are_no_numbers_are_computed_again(encoder, open_store):
    broken = encoder.encode(TEXTS)
    broken[3, 1] = np.nan
    open_store().add(TEXTS, broken)
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, open_store()), encoder.encode(TEXTS))


@given(st.binary(max_size=200))
def test_a_file_that_is_no_segment_is_passed_over(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("vectors")
    (folder / "f").mkdir()
    (folder / "f" / "x.vec").write_bytes(content)
    assert not VectorStore("f", 8, directory=folder).find(["mug"])[0].any()


def test_the_longest_unused_goes_when_the_store_is_full(encoder, open_store, tmp_path, monkeypatch):
    monkeypatch.setattr("adcli.core.encoding.store.SEGMENT_BYTES", 4_000)
    expected = encoder.encode(TEXTS)
    for start in range(0, len(TEXTS), 20):
        open_store().add(TEXTS[start : start + 20], expected[start : start + 20])
        for path in segments(tmp_path):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
    assert len(segments(tmp_path)) == 6
    open_store().find(TEXTS[:20])  # used now
    open_store(limit_bytes=10_000).add(["new"], expected[:1])
    known, _ = open_store().find([TEXTS[0], TEXTS[30], "new"])
    assert known.tolist() == [True, False, True]
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 10_000


def test_a_segment_that_vanishes_while_it_is_used_is_computed_again(encoder, open_store, tmp_path):
    encode_cached(encoder, TEXTS, open_store())
    store = open_store()
    for path in segments(tmp_path):
        path.unlink()
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, store), encoder.encode(TEXTS))


def test_a_segment_that_vanishes_while_the_store_is_opened_is_passed_over(
    encoder, open_store, tmp_path, monkeypatch
):
    encode_cached(encoder, TEXTS, open_store())
    read_keys = VectorStore._read_keys

    def just_dropped(store, segment):
        segment.unlink()
        read_keys(store, segment)

    monkeypatch.setattr(VectorStore, "_read_keys", just_dropped)
    assert not open_store().find(TEXTS)[0].any()


def size_of(tmp_path):
    return sum(path.stat().st_size for path in segments(tmp_path))


def fill(store, name, blocks):
    """Blocks of twenty texts each; the texts."""
    texts = [[f"{name} {number}-{i}" for i in range(20)] for number in range(blocks)]
    for block in texts:
        store.add(block, np.zeros((20, store._dimension), np.float32))
    return [text for block in texts for text in block]


@pytest.mark.parametrize("limit", [7_000, 40_000, 41_500])
def test_a_store_never_passes_its_limit_and_keeps_what_this_run_uses(open_store, tmp_path, limit):
    earlier = fill(open_store(limit_bytes=limit), "earlier", 60)
    assert 0.7 * limit < size_of(tmp_path) <= limit
    store = open_store(limit_bytes=limit)
    used = store.find(earlier[:20])[0]
    assert used.all()
    texts = fill(store, "now", 60)
    assert size_of(tmp_path) <= limit
    known = open_store().find([*earlier[:20], *texts])[0]
    assert known[:20].all()  # what it read was not dropped for what it wrote
    assert (np.diff(known[20:].astype(int)) <= 0).all()  # what was written first stays; the last does not fit


def test_a_block_larger_than_a_segment_is_kept_in_parts(open_store, tmp_path):
    store = open_store(limit_bytes=80_000)
    texts = [f"text {i}" for i in range(200)]
    vectors = np.arange(200 * store._dimension, dtype=np.float32).reshape(200, -1)
    store.add(texts, vectors)
    known, found = open_store().find(texts)
    assert known.all()
    np.testing.assert_array_equal(found, vectors)
    assert max(path.stat().st_size for path in segments(tmp_path)) <= 10_000


def test_closing_leaves_the_store_within_a_limit_that_was_lowered(open_store, tmp_path):
    for number in range(8):
        fill(open_store(), f"earlier {number}", 2)
    before = size_of(tmp_path)
    store = open_store(limit_bytes=before // 2)
    assert store.find([f"earlier {number} 0-0" for number in range(8)])[0].all()
    assert size_of(tmp_path) == before  # nothing is dropped while it may be needed
    store.close()
    assert 0 < size_of(tmp_path) <= before // 2


def test_a_segment_that_another_process_dropped_is_not_written_to_again(open_store, tmp_path):
    store = open_store()
    fill(store, "first", 1)
    for path in segments(tmp_path):
        path.unlink()
    texts = fill(store, "second", 1)
    assert store.is_writable
    assert open_store().find(texts)[0].all()


def test_a_full_disk_ends_keeping_and_not_the_run(encoder, open_store, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(VectorStore, "_append", full)
    store = open_store()
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, store), encoder.encode(TEXTS))
    assert not store.is_writable


def _fill(directory, fingerprint, part, barrier):
    store = VectorStore(fingerprint, 4, directory=directory)
    barrier.wait()
    for start in range(0, 200, 5):
        texts = [f"text {i}" for i in range(start, start + 5)]
        store.add(texts, np.full((5, 4), start, np.float32))
        store.find(texts)
        if part == 2:
            time.sleep(0.001)


def test_two_processes_fill_one_store_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    both = [context.Process(target=_fill, args=(tmp_path, "f", part, barrier)) for part in (1, 2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    known, vectors = VectorStore("f", 4, directory=tmp_path).find([f"text {i}" for i in range(200)])
    assert known.all()
    np.testing.assert_array_equal(vectors[:, 0], np.repeat(np.arange(0, 200, 5), 5))


def _fill_for_ever(directory):
    store = VectorStore("f", 64, directory=directory)
    number = 0
    while True:
        store.add([f"text {number}-{i}" for i in range(50)], np.full((50, 64), number, np.float32))
        number += 1


def test_a_kill_at_any_moment_leaves_only_whole_blocks(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(7):
        process = context.Process(target=_fill_for_ever, args=(tmp_path,))
        process.start()
        time.sleep(0.02 + 0.013 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        store = VectorStore("f", 64, directory=tmp_path)
        known, vectors = store.find([f"text {n}-{i}" for n in range(40) for i in range(50)])
        blocks = known.reshape(40, 50)
        assert (blocks.all(axis=1) == blocks.any(axis=1)).all()
        np.testing.assert_array_equal(vectors[known][:, 0], np.repeat(np.arange(40), 50)[known])
    assert known.any()


def test_an_interrupted_run_computes_again_at_most_what_half_a_second_gave(encoder, open_store, monkeypatch):
    monkeypatch.setattr(cached, "KEEP_EVERY_S", 0.0)
    monkeypatch.setitem(vars(encoder), "_engine", encoder._engine._replace(token_budget=64))
    stream = cached._computed(encoder, sorted(set(TEXTS)), open_store())
    done = sum(len(positions) for positions, _ in (next(stream), next(stream)))
    known, vectors = open_store().find(TEXTS)
    assert known.sum() >= done
    np.testing.assert_array_equal(vectors[known], encoder.encode(TEXTS)[known])


keys = st.lists(st.text(max_size=3), max_size=60)


@given(st.lists(keys, max_size=5), keys)
def test_an_index_finds_the_last_place_of_each_key(blocks, asked):
    index, expected = KeyIndex(), {}
    for number, block in enumerate(blocks):
        index.add(text_keys(block), number)
        expected.update({key: (number, row) for row, key in enumerate(block)})
    known, block, row = index.find(text_keys(asked))
    assert [bool(k) for k in known] == [key in expected for key in asked]
    for i, key in enumerate(asked):
        if key in expected:
            assert (block[i], row[i]) == expected[key]


def test_keys_are_equal_on_every_machine():
    assert text_keys(["mug"]).tolist() == [[3771343906443465836, 3450001100971618325]]


def test_the_store_lies_below_the_cache_folder(cache):
    VectorStore("g", 2).add(["mug"], np.zeros((1, 2), np.float32))
    assert list((Path(cache) / "vectors" / "g").glob("*.vec"))
