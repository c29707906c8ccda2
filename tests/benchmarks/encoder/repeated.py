"""A shop's log, where texts repeat: each distinct text once, a second run, and a run that was killed.

    python tests/benchmarks/encoder/repeated.py [LOG.csv.gz --column Description]

Without a file, a log is made up: 200,000 rows that name 4,000 products, a few of them most of the time.
sentence-transformers, where it is installed, encodes a sample of the rows, and what all of them would take is
reckoned from that: it computes each row.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from contenders import sentence_transformers_fp32
from product_texts import carried_minilm, product_like_texts

PEER_ROWS = 2_000

RUN = """
import sys, time
started = time.perf_counter()
import polars as pl
texts = pl.read_parquet(sys.argv[1])["text"].to_list()
read = time.perf_counter()
from adcli.core.encoding.cached import encode_cached_stream
from adcli.core.encoding.encoder import Encoder
from adcli.core.encoding.store import VectorStore
encoder = Encoder.load("minilm")
store = VectorStore(encoder.settings.fingerprint, encoder.dimension)
blocks, checked, digest = encode_cached_stream(encoder, texts, store), 0.0, 0.0
for block in blocks:
    checks = time.perf_counter()
    digest += float(block.sum(dtype="float64"))
    checked += time.perf_counter() - checks
print(f"{time.perf_counter() - read - checked:.3f} {read - started:.3f} {digest!r}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", nargs="?")
    parser.add_argument("--column", default="Description")
    options = parser.parse_args()
    texts = _log(options.log, options.column)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "texts.parquet"
        pl.DataFrame({"text": texts}).write_parquet(file)
        print(f"{len(texts)} rows, {len(set(texts))} distinct texts")
        first, digest = _run(file, Path(scratch) / "cache")
        again, same = _run(file, Path(scratch) / "cache")
        assert same == digest
        print(
            f"first run {first:.2f} s; second run {again:.2f} s, {again / first:.1%} of the first, the same sum"
        )
        print(f"each text is named {len(texts) / len(set(texts)):.0f} times")
        if importlib.util.find_spec("sentence_transformers"):
            peer = len(texts) / _peer_rate(texts)
            print(
                f"sentence-transformers would take {peer:.0f} s: {peer / first:.0f} x the first run, start included"
            )
        print(
            f"a run killed half way, then repeated: {_killed(file, Path(scratch) / 'killed', first, digest)}"
        )


def _peer_rate(texts: list[str]) -> float:
    """Rows a second of sentence-transformers by default, on a sample of the rows, its start left out."""
    encode = sentence_transformers_fp32(carried_minilm(), Path())
    rows = np.random.default_rng(0).choice(len(texts), PEER_ROWS)
    sample = [texts[row] for row in rows]
    encode(sample[:64])
    started = time.perf_counter()
    encode(sample)
    return PEER_ROWS / (time.perf_counter() - started)


def _log(path: str | None, column: str) -> list[str]:
    if path:
        return pl.read_csv(path, infer_schema=False)[column].drop_nulls().to_list()
    products = [" ".join(text.split()[:6]) for text in product_like_texts(4_000)]
    chosen = np.random.default_rng(0).zipf(1.3, 200_000) % len(products)
    return [products[i] for i in chosen]


def _run(file: Path, cache: Path, wait: float | None = None) -> tuple[float, str]:
    """Seconds from after reading to the end, and a sum over all vectors, itself not timed.

    Killed after `wait` seconds if given.
    """
    command = [sys.executable, "-c", RUN, str(file)]
    process = subprocess.Popen(
        command, env={**os.environ, "ADCLI_CACHE": str(cache)}, stdout=subprocess.PIPE, text=True
    )
    if wait is not None:
        time.sleep(wait)
        process.kill()
    out, _ = process.communicate()
    if wait is not None:
        return wait, ""
    seconds, _, digest = out.split()
    return float(seconds), digest


def _killed(file: Path, cache: Path, first: float, digest: str) -> str:
    _run(file, cache, wait=first * 0.6 + 1.0)
    rest, same = _run(file, cache)
    return f"{rest:.2f} s more, {'the same sum to the last bit' if same == digest else 'ANOTHER SUM'}"


if __name__ == "__main__":
    main()
