"""Take a campaign's logs out of the package's source archive, and simulate its Bernoulli Thompson policy.

    python prepare.py --archive out/obp-0.5.7.tar.gz --campaign men --seed 12345 --out out/men

Writes random.csv and bts.csv (the logs of the two policies) and bts/, the policy as a directory that adcli
reads: for each position the share of 100,000 posterior draws in which an item comes out there.
"""

from __future__ import annotations

import argparse
import tarfile
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

from adcli.policies.store import save_policy
from adcli.policies.table_policy import policy_from_table

ROOT = "obp-0.5.7/obp"
POSITIONS = 3
DRAWS = 100_000


def main() -> None:
    """Write the campaign's logs and policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--seed", type=int, default=12345)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(given.archive) as archive:
        for policy in ("random", "bts"):
            name = f"{ROOT}/dataset/obd/{policy}/{given.campaign}/{given.campaign}.csv"
            (given.out / f"{policy}.csv").write_bytes(read(archive, name))
        priors = yaml.safe_load(read(archive, f"{ROOT}/policy/conf/prior_bts.yaml"))[given.campaign]
    shares = top_shares(np.array(priors["alpha"]), np.array(priors["beta"]), given.seed)
    table = pl.DataFrame(
        {
            "item_id": np.tile(np.arange(len(shares)), POSITIONS).astype(str),
            "placement": np.repeat(np.arange(1, POSITIONS + 1), len(shares)).astype(str),
            "probability": shares.T.reshape(-1),
        }
    )
    (given.out / "bts").mkdir(exist_ok=True)
    about = {
        "what": "Bernoulli Thompson sampling from the published priors",
        "seed": given.seed,
        "draws": DRAWS,
    }
    save_policy(policy_from_table(table, "bts"), given.out / "bts", about)


def top_shares(alpha: NDArray[np.float64], beta: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """How often each item is the first, second and third best of its posterior draw, shape (items, 3)."""
    # The generator and the order of draws are the package's own, so that its figures can be met.
    drawn = np.random.RandomState(seed).beta(alpha, beta, size=(DRAWS, len(alpha)))
    best = np.argsort(drawn, axis=1)[:, ::-1][:, :POSITIONS]
    counts = [np.bincount(best[:, position], minlength=len(alpha)) for position in range(POSITIONS)]
    return np.stack(counts, axis=1) / DRAWS


def read(archive: tarfile.TarFile, name: str) -> bytes:
    """One file of the archive; nothing is unpacked to a path that the archive names."""
    member = archive.extractfile(name)
    if member is None:
        raise SystemExit(f"{name} is not in the archive")
    return member.read()


if __name__ == "__main__":
    main()
