"""Where each run starts, by its name, as `python -m adcli`, or below `torchrun` and `accelerate launch`."""

import atexit
import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Load the program and run it; an interrupt is one line, whenever it comes."""
    interrupted: list[BaseException] = []
    # Registered first, so called last. Once an interrupt hit code made of a text, as of dataclasses, Python
    # would end by the signal, however it was caught.
    atexit.register(lambda: interrupted and os._exit(INTERRUPTED))
    _open_standard_streams()
    try:
        from adcli.cli.app import main as run

        run()
    except (KeyboardInterrupt, SystemExit) as ended:
        if isinstance(ended, SystemExit) and ended.code != INTERRUPTED:
            raise
        interrupted.append(ended)
        kept = getattr(ended, "__notes__", ["nothing was written"])
        sys.stderr.write(f"error: interrupted; {kept[0]}.\n")
        sys.stderr.flush()
        sys.exit(INTERRUPTED)


def _open_standard_streams() -> None:
    """Give standard streams that were closed (`>&-`) their numbers back, so that no file of ours gets one.

    From such an input nothing comes; what is written to such an output fails; messages are lost.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if number == 2 else os.O_RDONLY)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode, errors = ("w", "backslashreplace") if number else ("r", "strict")
            stream = open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


if __name__ == "__main__":
    main()
