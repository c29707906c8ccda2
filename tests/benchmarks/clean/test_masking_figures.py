"""Personal data is found in texts full of other numbers, at many times the speed of Presidio's patterns.

Presidio wants an environment of its own: PRESIDIO_PYTHON names the Python of one that has presidio-analyzer.
"""

import json
import os
import subprocess
import time

import polars as pl
import pytest
from privacy_texts import texts

from adcli.privacy.masking import Mask
from adcli.privacy.personal_data import find

pytestmark = pytest.mark.benchmark
ROWS, PEER_ROWS = 200_000, 2_000
PEER = """
import json, sys, time
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer, EmailRecognizer, EsNifRecognizer, IbanRecognizer, IpRecognizer, PhoneRecognizer,
    UsSsnRecognizer,
)
import tldextract
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
kinds = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban",
         "IP_ADDRESS": "ip", "US_SSN": "national_id", "ES_NIF": "national_id"}
known = [one() for one in (EmailRecognizer, PhoneRecognizer, CreditCardRecognizer, IbanRecognizer, IpRecognizer,
                           UsSsnRecognizer, EsNifRecognizer)]
rows = json.load(sys.stdin)
for one in known:
    one.analyze(rows[0], one.supported_entities)
began = time.process_time()
found = [[(hit.start, hit.end, kinds[hit.entity_type]) for one in known
          for hit in one.analyze(text, one.supported_entities) or []] for text in rows]
print(json.dumps([time.process_time() - began, found]))
"""


def rates(rows, found):
    right = sum(len(spans & set(hits)) for (_, spans), hits in zip(rows, found, strict=True))
    return right / sum(len(spans) for _, spans in rows), right / max(sum(map(len, map(set, found))), 1)


@pytest.mark.parametrize(("personal", "other"), [(0.06, 0.3), (0.01, 0.1)])
def test_masks_are_right_and_fast(personal, other):
    rows = texts(ROWS, seed=1, personal=personal, other=other)
    values = pl.Series("text", [text for text, _ in rows])
    Mask()(values.head(1_000))
    began = time.process_time()
    Mask()(values)
    speed = ROWS / (time.process_time() - began)
    recall, precision = rates(rows[:50_000], [find(text) for text, _ in rows[:50_000]])
    print(f"\n{personal:.0%} of texts with personal data, {other:.0%} with other numbers")
    print(f"adcli    recall {recall:.4f} precision {precision:.4f} {speed:>9,.0f} texts a CPU-second")
    assert recall >= 0.98
    assert precision >= 0.98
    if python := os.environ.get("PRESIDIO_PYTHON"):
        some = rows[:PEER_ROWS]
        done = subprocess.run(
            [python, "-c", PEER],
            input=json.dumps([text for text, _ in some]),
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, found = json.loads(done.stdout.splitlines()[-1])
        found = [[tuple(hit) for hit in hits] for hits in found]
        recall, precision = rates(some, found)
        peer = PEER_ROWS / seconds
        print(
            f"Presidio recall {recall:.4f} precision {precision:.4f} {peer:>9,.0f}; adcli is {speed / peer:.0f} times as fast"
        )
