"""One rank of a job, as `python -m adcli.core.processes.worker FOLDER` below torch's launcher."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from adcli.core.processes.job import Job, Rank
from adcli.errors import AdcliError


def main() -> int:
    """The exit code of a rank."""
    rank = Rank(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), Job(Path(sys.argv[1])))
    try:
        rank.run()
    except AdcliError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
