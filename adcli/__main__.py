"""Where each run starts, by its name, as `python -m adcli`, or below `torchrun` and `accelerate launch`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Load the program and run it; an interrupt is one line, whenever it comes."""
    try:
        from adcli.cli.app import main as run

        run()
    except (KeyboardInterrupt, SystemExit) as ended:
        if isinstance(ended, SystemExit) and ended.code != INTERRUPTED:
            raise
        sys.stderr.write("error: interrupted; nothing was written.\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
