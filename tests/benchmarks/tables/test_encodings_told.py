"""Made files of 31 languages in the encodings that they were written in: which are read rightly, which refused."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict

import pytest
from legacy_texts import SIZES, legacy_texts

from adcli.errors import DataError
from adcli.tables.read import open_table
from adcli.tables.unify import concatenated

pytestmark = pytest.mark.benchmark


def outcome(path, legacy):
    try:
        batches = list(open_table([str(path)], tables=["events"]).batches())
    except DataError:
        return "refused"
    read = concatenated([batch.frame for batch in batches])["text"].to_list()
    return "right" if [unicodedata.normalize("NFC", text) for text in read] == legacy.texts else "wrong"


def test_no_encoding_is_taken_wrongly(tmp_path):
    path = tmp_path / "shop.csv"
    found: dict[tuple[str, str], Counter[tuple[int, str]]] = defaultdict(Counter)
    for seed in (1, 2):
        for legacy in legacy_texts(seed=seed):
            path.write_bytes(legacy.data)
            found[legacy.language, legacy.codec][legacy.size, outcome(path, legacy)] += 1
    print(f"\n{'language':12}{'encoding':14}{'right':>7}{'refused':>9}{'wrong':>7}   refused by rows {SIZES}")
    for (language, codec), counts in found.items():
        total = Counter()
        for (_, what), count in counts.items():
            total[what] += count
        refused = " ".join(f"{counts[size, 'refused']:>4}" for size in SIZES)
        print(
            f"{language:12}{codec:14}{total['right']:>7}{total['refused']:>9}{total['wrong']:>7}   {refused}"
        )
    everything = sum(
        (Counter({w: n for (_, w), n in counts.items()}) for counts in found.values()), Counter()
    )
    many = Counter()
    for counts in found.values():
        for (size, what), count in counts.items():
            many[size, what] += count
    print({f"{size} rows": {w: many[size, w] for w in ("right", "refused", "wrong")} for size in SIZES})
    assert everything["wrong"] == 0
    assert sum(many[size, "right"] for size in SIZES if size >= 10) >= 0.9 * sum(
        count for (size, _), count in many.items() if size >= 10
    )
