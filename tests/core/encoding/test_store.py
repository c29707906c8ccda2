"""The store of vectors: nothing twice, nothing wrong, whatever happens to its files."""

import multiprocessing
import os
import signal
import sqlite3
import time

import models
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcli.core.encoding import cached
from adcli.core.encoding.cached import encode_cached, encode_cached_stream
from adcli.core.encoding.encoder import Encoder
from adcli.core.encoding.store import VectorStore

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


@pytest.fixture
def place(tmp_path):
    return tmp_path / "vectors" / "vectors.sqlite"


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


@pytest.mark.parametrize("keep", [0, 1, 100, 0.3, 0.999])
def test_a_database_cut_short_anywhere_is_computed_again_where_it_must_be(encoder, open_store, place, keep):
    encode_cached(encoder, TEXTS, open_store())
    content = place.read_bytes()
    place.write_bytes(content[: int(keep if keep > 1 or keep == 0 else keep * len(content))])
    known, vectors = open_store().find(TEXTS)
    np.testing.assert_array_equal(vectors[known], encoder.encode(TEXTS)[known])
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, open_store()), encoder.encode(TEXTS))
    encode_cached(encoder, TEXTS, open_store())
    assert open_store().find(TEXTS)[0].all()


def test_changed_bytes_are_noticed_and_computed_again(encoder, open_store, place):
    encode_cached(encoder, TEXTS, open_store())
    whole, expected, lost = place.read_bytes(), encoder.encode(TEXTS), 0
    for at in np.random.default_rng(0).integers(0, len(whole), 60):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        place.write_bytes(changed)
        known, vectors = open_store().find(TEXTS)
        np.testing.assert_array_equal(vectors[known], expected[known])
        lost += known.sum() < len(TEXTS)
    assert lost > 3  # the rest of the pages is empty


def test_vectors_that_are_no_numbers_are_computed_again(encoder, open_store):
    broken = encoder.encode(TEXTS)
    broken[3, 1] = np.nan
    open_store().add(TEXTS, broken)
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, open_store()), encoder.encode(TEXTS))


@given(st.binary(max_size=200))
def test_a_file_that_is_no_database_is_begun_anew(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("vectors")
    (folder / "vectors.sqlite").write_bytes(content)
    store = VectorStore("f", 8, directory=folder)
    assert not store.find(["mug"])[0].any()
    store.add(["mug"], np.ones((1, 8), np.float32))
    assert store.find(["mug"])[0].all()


def fill(store, name, blocks):
    """Blocks of twenty texts each; the texts."""
    texts = [[f"{name} {number}-{i}" for i in range(20)] for number in range(blocks)]
    for block in texts:
        store.add(block, np.zeros((20, store._dimension), np.float32))
    return [text for block in texts for text in block]


@pytest.fixture
def wide(tmp_path):
    """Opens a store of vectors as wide as MiniLM's."""
    return lambda **options: VectorStore("w", 384, directory=tmp_path, **options)


@pytest.mark.parametrize("limit", [700_000, 1_000_000])
def test_a_store_never_passes_its_limit_and_keeps_what_this_run_uses(wide, tmp_path, limit):
    place = tmp_path / "vectors.sqlite"
    earlier = fill(wide(limit_bytes=limit), "earlier", 40)
    assert 0.7 * limit < place.stat().st_size <= limit
    store = wide(limit_bytes=limit)
    assert store.find(earlier[:20])[0].all()
    texts = fill(store, "now", 40)
    assert place.stat().st_size <= limit
    known = wide().find([*earlier[:20], *texts])[0]
    assert known[:20].all()  # what it read was not dropped for what it wrote
    assert known[20:].mean() > 0.2
    assert (np.diff(known[20:].astype(int)) <= 0).all()  # what was written first stays; the last does not fit


def test_the_longest_unused_goes_when_the_store_is_full(wide):
    names = [fill(wide(), str(number), 5) for number in range(6)]  # of 160 kB each
    wide().find(names[0])  # used now
    wide(limit_bytes=800_000).add(["new"], np.zeros((1, 384), np.float32))
    known = [wide().find(texts)[0].mean() for texts in [*names, ["new"]]]
    assert known[0] == known[5] == known[6] == 1
    assert known[1] == known[2] == 0


def test_what_is_more_than_the_limit_at_once_is_kept_as_far_as_it_fits(wide):
    texts = [f"text {i}" for i in range(900)]
    wide(limit_bytes=1_000_000).add(texts, np.zeros((900, 384), np.float32))
    assert 0.4 < wide().find(texts)[0].mean() < 0.8


def test_closing_leaves_the_store_within_a_limit_that_was_lowered(wide, tmp_path):
    place = tmp_path / "vectors.sqlite"
    texts = [text for number in range(8) for text in fill(wide(), f"earlier {number}", 5)]
    before = place.stat().st_size
    store = wide(limit_bytes=before // 2)
    assert store.find(texts)[0].all()
    assert place.stat().st_size == before  # nothing is dropped while it may be needed
    store.close()
    assert 0 < place.stat().st_size <= before // 2


def test_a_store_that_vanishes_while_it_is_used_ends_keeping_and_not_the_run(encoder, open_store, place):
    store = open_store()
    encode_cached(encoder, TEXTS, store)
    place.unlink()
    np.testing.assert_array_equal(encode_cached(encoder, TEXTS, store), encoder.encode(TEXTS))


def test_a_full_disk_ends_keeping_and_not_the_run(encoder, open_store, monkeypatch):
    def full(self, needed, *, before):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(VectorStore, "_make_room", full)
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


def test_a_kill_at_any_moment_leaves_only_whole_vectors(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(7):
        process = context.Process(target=_fill_for_ever, args=(tmp_path,))
        process.start()
        time.sleep(0.02 + 0.013 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        store = VectorStore("f", 64, directory=tmp_path)
        known, vectors = store.find([f"text {n}-{i}" for n in range(40) for i in range(50)])
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


def test_the_store_lies_below_the_cache_folder(cache):
    VectorStore("g", 2).add(["mug"], np.zeros((1, 2), np.float32))
    assert (cache / "vectors" / "vectors.sqlite").exists()


def test_a_cache_folder_that_cannot_be_made_keeps_nothing(tmp_path):
    (tmp_path / "file").touch()
    store = VectorStore("g", 2, directory=tmp_path / "file" / "vectors")
    store.add(["mug"], np.zeros((1, 2), np.float32))
    assert not store.is_writable
