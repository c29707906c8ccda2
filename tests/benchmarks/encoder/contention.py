"""The rate beside one process that is always busy, as a share of the idle rate of the cores that are left.

python tests/benchmarks/encoder/contention.py --texts 1000
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from contenders import installed
from product_texts import carried_minilm, product_like_texts

CONTENDERS = ("adcli exact", "adcli default", "sentence-transformers fp32", "sentence-transformers bf16")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    texts = product_like_texts(options.texts)
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, load before {os.getloadavg()[0]:.1f}")
    for name, load in installed().items():
        if name not in CONTENDERS:
            continue
        encode = load(carried_minilm(), Path())
        encode(texts[:32])
        idle, busy = [], []
        for _ in range(options.repeats):
            idle.append(_rate(encode, texts))
            burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            try:
                busy.append(_rate(encode, texts))
            finally:
                burner.kill()
                burner.wait()
        idle_rate, busy_rate = statistics.median(idle), statistics.median(busy)
        # a busy process takes one core's worth where there is nobody else
        share = (busy_rate / (cores - 1)) / (idle_rate / cores)
        print(f"{name:28} idle {idle_rate:7.1f} texts/s, beside a busy process {busy_rate:7.1f}: "
              f"{share:.2f} of the idle rate per free core", flush=True)  # fmt: skip


def _rate(encode, texts) -> float:
    started = time.perf_counter()
    encode(texts)
    return len(texts) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
