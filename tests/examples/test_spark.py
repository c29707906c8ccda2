"""The example of Spark runs through `spark-submit`, and finds the rows of one machine."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "spark"
SUBMIT = Path(sys.executable).with_name("spark-submit")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None or not SUBMIT.exists(),
    reason="PySpark or Java is not installed",
)
def test_the_example_finds_the_same_rows(tmp_path):
    done = subprocess.run(
        ["make", "-s", f"ADCLI={sys.executable} -m adcli", f"PYTHON={sys.executable}", f"SPARK_SUBMIT={SUBMIT}",
         f"OUT={tmp_path / 'out'}", "ROWS=1000", "FILES=2"],
        cwd=EXAMPLE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "rows, the same" in done.stdout
    assert "rejected, the same" in done.stdout
    assert "rates: the same" in done.stdout
