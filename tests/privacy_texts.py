"""Texts of reviews in which personal data is hidden among order numbers, article numbers, versions, sizes."""

from __future__ import annotations

import random
from collections.abc import Callable

import phonenumbers
from phonenumbers import PhoneNumberFormat as Format
from stdnum import ean, iban, luhn
from stdnum.cn import ric
from stdnum.es import dni
from stdnum.fr import nir

WORDS = [
    "great",
    "product",
    "love",
    "these",
    "shoes",
    "fit",
    "well",
    "delivered",
    "late",
    "colour",
    "nice",
    "would",
    "buy",
    "again",
    "the",
    "battery",
    "lasts",
    "two",
    "days",
    "cheap",
    "quality",
    "box",
    "arrived",
    "broken",
    "support",
    "helped",
    "me",
    "quickly",
]
REGIONS = ("DE", "US", "GB", "FR", "CN", "IT", "NL", "ES")
AREAS = ("110105", "310104", "440301", "510107")


class Maker:
    """Makes valid numbers and such as are only alike."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.personal: dict[str, Callable[[], str]] = {
            "email": self.email, "phone": self.phone, "card": self.card, "iban": self.iban, "ip": self.ip,
            "national_id": self.national_id,
        }  # fmt: skip

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def email(self) -> str:
        who, where = ("anna", "li.wei", "j_doe", "max+shop"), ("example.com", "mail.example.co.uk", "qq.com")
        return f"{self.random.choice(who)}{self.digits(2)}@{self.random.choice(where)}"

    def card(self) -> str:
        start = self.random.choice(["4", "51", "54", "2221", "34", "37", "62", "6011"])
        length = 15 if start[0] == "3" else 16
        plain = start + self.digits(length - 1 - len(start))
        plain += luhn.calc_check_digit(plain)
        if length == 15 or self.random.random() < 0.5:
            return plain
        return self.random.choice(" -").join(plain[at : at + 4] for at in range(0, 16, 4))

    def iban(self) -> str:
        country, bank = self.random.choice(
            [("DE", self.digits(18)), ("NL", "ABNA" + self.digits(10)), ("GB", "WEST" + self.digits(14)),
             ("AT", self.digits(16))]
        )  # fmt: skip
        plain = country + iban.calc_check_digits(f"{country}00{bank}") + bank
        return plain if self.random.random() < 0.5 else iban.format(plain)

    def phone(self) -> str:
        """A number; before `|` what stands before it."""
        example = phonenumbers.example_number_for_type(
            self.random.choice(REGIONS), self.random.choice([0, 1])
        )
        while True:
            number = phonenumbers.PhoneNumber(
                example.country_code,
                int(str(example.national_number)[:-5] + self.digits(5)),
                italian_leading_zero=example.italian_leading_zero,
            )
            if phonenumbers.is_valid_number(number):
                break
        form = self.random.choice([Format.INTERNATIONAL, Format.E164, Format.NATIONAL])
        before = (
            self.random.choice(["tel ", "call me on ", "phone: ", "mobile "])
            if form == Format.NATIONAL
            else ""
        )
        return f"{before}|{phonenumbers.format_number(number, form)}"

    def national_id(self) -> str:
        draw = self.random
        match draw.randrange(4):
            case 0:
                born = f"{draw.randint(1950, 2005)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}"
                plain = draw.choice(AREAS) + born + self.digits(3)
                return plain + ric.calc_check_digit(plain + "0")
            case 1:
                return f"{draw.randint(100, 665)}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}"
            case 2:
                plain = str(draw.randint(10_000_000, 99_999_999))
                return plain + dni.calc_check_digit(plain)
            case _:
                plain = f"{draw.choice('12')}{draw.randint(40, 99)}{draw.randint(1, 12):02}{draw.randint(1, 95):02}"
                plain += f"{draw.randint(1, 900):03}{draw.randint(1, 900):03}"
                return plain + nir.calc_check_digits(plain)

    def ip(self) -> str:
        if self.random.random() < 0.7:
            return ".".join(str(self.random.randint(1, 254)) for _ in range(4))
        return "2001:db8:" + ":".join(f"{self.random.randrange(65536):x}" for _ in range(6))

    def other(self) -> str:
        """What a shop's texts are full of."""
        draw, digits = self.random, self.digits
        article = draw.choice(["40", "50", "87"]) + digits(10)
        article += ean.calc_check_digit(article)
        return draw.choice(
            [f"order {digits(draw.choice([8, 10, 12, 16]))}", f"order number {digits(3)}-{digits(7)}-{digits(7)}",
             f"EAN {article}", article, f"version {digits(1)}.{digits(1)}.{draw.randint(10, 255)}.{digits(1)}",
             f"v{digits(1)}.{digits(2)}.{digits(2)}", f"size {draw.randint(30, 50)}-{draw.randint(50, 60)}",
             f"{digits(2)}x{digits(2)}x{digits(2)} cm", f"20{draw.randint(10, 26)}-0{draw.randint(1, 9)}-1{digits(1)}",
             f"SKU {digits(6)}-{digits(4)}", f"invoice {digits(11)}", f"tracking 1Z{digits(16)}",
             f"${draw.randint(1, 2000)}.99"]
        )  # fmt: skip


def texts(
    count: int, *, seed: int, personal: float = 0.06, other: float = 0.3
) -> list[tuple[str, set[tuple[int, int, str]]]]:
    """Texts with the places and kinds of personal data in them.

    Args:
        count: How many.
        seed: Of what they hold.
        personal: Share of texts with personal data.
        other: Share of texts with a number that is none.
    """
    maker = Maker(seed)
    draw = maker.random
    made = []
    for _ in range(count):
        text, spans = " ".join(draw.choices(WORDS, k=draw.randint(8, 25))), set()
        if draw.random() < personal:
            kind = draw.choice(list(maker.personal))
            before, _, value = maker.personal[kind]().rpartition("|")
            text += f" {before}"
            spans.add((len(text), len(text) + len(value), kind))
            text += value + draw.choice(["", " thanks", ". Bye", ", please"])
        if draw.random() < other:
            text += f" {maker.other()}"
        made.append((text, spans))
    return made
