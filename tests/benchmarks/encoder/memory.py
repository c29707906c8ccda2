"""Memory beyond the model while a stream of distinct texts is encoded and kept.

    python tests/benchmarks/encoder/memory.py --texts 1000000

Short texts, so that a million are done in minutes: memory hangs on the number of rows, if it grows at all.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ADCLI_CACHE"] = cache
        from adcli.core.encoding.cached import encode_cached_stream
        from adcli.core.encoding.encoder import Encoder
        from adcli.core.encoding.store import VectorStore

        encoder = Encoder.load("minilm")
        encoder.encode(["one text loads the model " * 40] * 8)
        store = VectorStore(encoder.settings.fingerprint, encoder.dimension)
        model = _peak_mib()
        started, rows = time.perf_counter(), 0
        for block in encode_cached_stream(encoder, _texts(options.texts), store):
            rows += len(block)
            if rows == len(block) or rows == options.texts or rows % (1 << 17) < len(block):
                rate = rows / (time.perf_counter() - started)
                print(f"{rows:9} rows: {_peak_mib() - model:6.0f} MiB beyond the model ({model:.0f} MiB); {rate:.0f} texts/s",
                      flush=True)  # fmt: skip


def _texts(count: int) -> Iterator[str]:
    for number in range(count):
        yield f"mug number {number}"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
