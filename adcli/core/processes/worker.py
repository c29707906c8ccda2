"""One of several processes: takes units of work from a folder until there are no more.

`adcli.core.processes.launch` starts it through torch's launcher as
`python -m adcli.core.processes.worker FOLDER`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from adcli.core.processes.units import UnitFolder
from adcli.errors import AdcliError

POLL_S = 0.02


def work_off(folder: UnitFolder, rank: int) -> None:
    """Claim units, compute them and hand in results, until there are no more.

    Raises:
        Exception: Whatever a unit fails with; the folder then says so to the process that shares out.
    """
    from adcli.core.processes.tasks import TASKS

    task = folder.task
    try:
        compute = TASKS[task["task"]](task["settings"], task["processes"])
        number = 0
        while not folder.is_over(number):
            if folder.is_claimed(number):
                number += 1
            elif folder.has(number):
                rows = folder.claim(number)
                if rows is not None:
                    folder.finish(number, compute(rows))
            else:
                time.sleep(POLL_S)
    except Exception as error:
        folder.fail(rank, str(error) or type(error).__name__)
        raise


def main() -> int:
    """The exit code of a worker process."""
    try:
        work_off(UnitFolder(Path(sys.argv[1])), int(os.environ["RANK"]))
    except AdcliError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
