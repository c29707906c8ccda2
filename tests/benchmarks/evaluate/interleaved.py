"""Contenders timed turn by turn, so that a busy machine is busy for all of them."""

import statistics
import time


def medians(contenders, repeats):
    """Median wall and CPU seconds of each contender, named functions without arguments; one turn warms up."""
    seconds = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, run in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if turn:
                seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: tuple(map(statistics.median, zip(*taken, strict=True))) for name, taken in seconds.items()}


def show(title, seconds, ours="adcli"):
    """Print the medians and each peer's ratio to ours."""
    print(f"\n{title}")
    for name, (wall, cpu) in seconds.items():
        ratio = (
            ""
            if name == ours
            else f"   {wall / seconds[ours][0]:7.1f} x wall {cpu / seconds[ours][1]:7.1f} x CPU"
        )
        print(f"  {name:32s} {wall * 1e3:9.1f} ms wall {cpu * 1e3:9.1f} ms CPU{ratio}")
