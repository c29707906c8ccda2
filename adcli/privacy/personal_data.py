"""Personal data in free text: e-mail, phone, card, IBAN, IP address, national identity number, name.

A pattern finds what could be one; a check digit, python-stdnum or phonenumbers decides; and where a number
could be anything, the last word before it does: `order 4012888888881881` is no card,
`tel 5551234` is a phone.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from adcli.errors import UsageError, require_known
from adcli.privacy.identity_numbers import PLAIN, TELLING, TELLING_SHAPES, is_identity_number

_LETTER = "A-Za-zÀ-ɏЀ-ӿ"
_EMAIL = re.compile(
    rf"[{_LETTER}0-9._%+'\-]+(?:@|%40)(?:[{_LETTER}0-9\-]+\.)+(?!png|jpe?g|gif|svg|webp)[{_LETTER}]{{2,24}}"
)
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]{1,4}){3,9}(?![0-9A-Za-z])")
_CARD = re.compile(
    r"(?<![\w.\-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}|\d{14,19})(?![\w\-]|\.\d)"
)
_CARD_NUMBER = re.compile(
    r"4\d{15}(?:\d{3})?|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12,14}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}"
    r"|(?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}"
)
_IPV4 = re.compile(r"(?<![\w.\-])\d{1,3}(?:\.\d{1,3}){3}(?![\w\-]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])"
)
_PHONE = (
    (re.compile(r"(?<![\w+])(?:\+|00)[1-9](?:[ .\-/()\u00a0]{0,3}\d){6,14}(?!\w)"), ()),
    (re.compile(r"(?<![\w.\-+/])(?:\(\d{3}\) ?|\d{3}[ .\-])\d{3}[ .\-]\d{4}(?![\w\-])"), ("US",)),
    (
        re.compile(
            r"(?<![\w.\-/+])(?!\d\d[./\-]\d\d[./\-](?:19|20)\d\d)"
            r"\(?0\d{1,5}\)?(?:[ .\-/]{1,3}(?!20\d\d-\d\d)\d{2,8}){1,5}(?!\w)"
        ),
        ("DE", "GB", "FR", "IT", "NL", "AT", "CH", "BE", "JP", "CN", "AU", "TR"),
    ),
)
_CHINESE_MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d([ -]?)\d{4}\1\d{4}(?![0-9A-Za-z])")
_ANY_PHONE = re.compile(r"(?<![\w.])[(+]?\d(?:[ ().\-/]{0,2}\d){6,14}(?!\w)")
_NAME = re.compile(
    r"(?i:\b(?:(?:first|last|full|customer|recipient|sur|user|contact|given|family)[ _-]?name|recipient|"
    r"vorname|nachname|pr[ée]nom|nom de famille|nombre completo|apellidos?)|姓名|收件人|收货人)"
    rf"\W{{0,3}}[=:：]\s*([{_LETTER}'’\-]+(?:(?: |\+|%20)[A-ZÀ-ÖА-Я][{_LETTER}'’\-]*){{0,2}}|[一-鿿·]{{2,5}})"
)
_CHINESE = re.compile("[一-鿿]")
_WORDS: Final = {
    "phone": "tel phone telephone call mobile mob cell fax whatsapp sms text telefon handy mobil anruf "
    "rufnummer tél téléphone portable móvil movil teléfono telefono ring 电话 手机 手機 電話 携帯 联系",
    "identity": "ssn sin identity passport pesel cpf nhs aadhaar aadhar bsn dni nie nino cnp kimlik tax "
    "national personnummer fødselsnummer steueridentifikationsnummer steuer nric hkid security insurance "
    "身份证 身份證 マイナンバー",
    "card": "card visa mastercard amex credit debit karte kreditkarte carte tarjeta 卡号 卡",
    "version": "v ver version release build firmware fw update driver app ios android kernel revision rev "
    "patch sdk chrome chromium firefox edge edg opera opr safari section chapter software bios § 版本",
    "other": "order orders bestellung bestellnummer commande pedido invoice rechnung rechnungsnummer facture "
    "sku ean gtin upc isbn asin imei ref reference tracking track parcel shipment sendung sendungsnummer "
    "article art artikel artikelnummer item model mpn serial part ticket case batch lot barcode transaction "
    "txn receipt customer account session # 订单 订单号 訂單 单号 运单 快递 货号 条码 型号",
}
_WITH_AN_ID: Final = frozenset(
    ("product", "user", "device", "shop", "store", "campaign", "ad", "visitor", "client", "event")
)
_KIND_OF_WORD: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_WORD = re.compile(
    "|".join(["[a-zà-ÿ]+", *(word for word in _KIND_OF_WORD if word[0] >= "⺀"), "[#§]", r"\d"])
)
_NUMBER_WORDS: Final = frozenset(["number", "no", "nr", "num", "numero", "n", "is", "id", "code"])
_FREE: Final = ("phone", "identity", "card")  # such words may stand a few words before
_LOOK_BACK = 32
_FEWEST_DIGITS: Final = 9  # of a phone number without a country code and without a word that says so


class Found(NamedTuple):
    """Personal data in a text, from one character to before the other."""

    start: int
    end: int
    kind: str


def require_libraries() -> None:
    """Make sure that the libraries are there which know numbers. Raises UsageError if one is not."""
    if not all(importlib.util.find_spec(name) for name in ("phonenumbers", "stdnum")):
        raise UsageError(
            "--mask needs phonenumbers and python-stdnum, which are not installed.",
            fix="pip install 'adcli[mask]'",
        )


def check_regions(regions: Sequence[str]) -> None:
    """Make sure that there are such countries. Raises UsageError if one is not."""
    from phonenumbers import SUPPORTED_REGIONS

    for region in regions:
        sentence = f"--phone-region {region}: there is no such country."
        fix = "Name it by two letters, such as DE."
        require_known(region, SUPPORTED_REGIONS, sentence, fix, error=UsageError)


def find(text: str, regions: Sequence[str] = (), kinds: Sequence[str] | None = None) -> list[Found]:
    """The personal data in a text, in order, none within another.

    `text`: the text; `regions`: countries (ISO 3166) whose phone numbers may lack a country code; `kinds`:
    what to look for, of `CANDIDATES`; None is all.
    """
    found: list[Found] = []
    for kind, look in _LOOKS:
        if kinds is None or kind in kinds:
            for start, end in look(text, regions) if kind == "phone" else look(text):
                if all(end <= other.start or start >= other.end for other in found):
                    found.append(Found(start, end, kind))
    return sorted(found)


def masked(text: str, regions: Sequence[str] = (), kinds: Sequence[str] | None = None) -> str:
    """The text with `[email]`, `[phone]` and so on in place of personal data."""
    parts, done = [], 0
    for start, end, kind in find(text, regions, kinds):
        parts += [text[done:start], f"[{kind}]"]
        done = end
    return "".join([*parts, text[done:]])


def _context(text: str, start: int) -> str | None:
    """What the last telling word before a number says; a word of things only right before it."""
    words = _WORD.findall(text[max(start - _LOOK_BACK, 0) : start].lower())
    is_near, is_id = True, False
    for word in reversed(words):
        if word.isdigit():
            break
        kind = "other" if is_id and word in _WITH_AN_ID else _KIND_OF_WORD.get(word)
        if word in _NUMBER_WORDS:
            is_id |= word == "id"
        elif kind in _FREE or (kind is not None and is_near):
            return kind
        else:
            is_near = False
    return "identity" if is_id else None


def _emails(text: str) -> Iterator[tuple[int, int]]:
    if "@" in text or "%40" in text:
        yield from (match.span() for match in _EMAIL.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        from stdnum import iban

        start, end = match.span()
        while end - start >= 15 and not iban.is_valid(text[start:end]):
            end = start + max(text[start:end].rfind(" "), 0)
        if end - start >= 15:
            yield start, end


def _identities(text: str) -> Iterator[tuple[int, int]]:
    for pattern, is_plain in ((TELLING, False), (PLAIN, True)):
        for match in pattern.finditer(text):
            context = _context(text, match.start())
            is_said = context == "identity"
            if (is_said or (not is_plain and context != "other")) and _is_identity(match[0], is_said):
                yield match.span()


@lru_cache(100_000)
def _is_identity(text: str, is_said: bool) -> bool:
    return is_identity_number(text, is_said=is_said)


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = match[0].replace(" ", "").replace("-", "")
        if not (_CARD_NUMBER.fullmatch(digits) and _luhn(digits)):
            continue
        if digits != match[0] or _context(text, match.start()) not in ("other", "identity"):
            yield match.span()


def _luhn(digits: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for match in _IPV4.finditer(text):
        start, address = match.start(), match[0]
        is_version = address.endswith(".0.0.0") or _context(text, start) in ("version", "other")
        is_after_name = text[start - 1 : start] == "/" and text[start - 2 : start - 1] not in ("/", "")
        if _is_address(address) and not is_version and not is_after_name:
            yield match.span()
    if text.count(":") > 1:
        for match in _IPV6.finditer(text):
            address = match[0]
            if address.count(":") > 2 and any(char.isdigit() for char in address) and _is_address(address):
                yield match.span()


def _is_address(text: str) -> bool:
    if ":" not in text:
        parts = text.split(".")
        return all(int(part) < 256 and (part == "0" or part[0] != "0") for part in parts)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    for pattern, known in _PHONE:
        for match in pattern.finditer(text):
            is_international = not known
            context = _context(text, match.start())
            if context in ("other", "version") and not match[0].startswith("+"):
                continue
            if is_international and match[0].isdigit() and context != "phone":
                continue  # 0012345678905 is an article
            yield from _valid(match, (*known, *regions) if known else ())
    for match in _CHINESE_MOBILE.finditer(text):
        context = _context(text, match.start())
        if context == "phone" or match[1] or (_CHINESE.search(text) and context is None):
            yield from _valid(match, ("CN",))
    for match in _ANY_PHONE.finditer(text):
        context = _context(text, match.start())
        if context == "phone":
            digits = sum(char.isdigit() for char in match[0])
            if digits >= 7:
                yield match.span()
        elif regions and context is None:
            yield from _valid(match, regions)


def _valid(match: re.Match[str], regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The longest beginning of a match, cut between its groups, that is a number of a region."""
    start, end = match.span()
    text = match.string
    fewest = _FEWEST_DIGITS if regions else 7
    while sum(char.isdigit() for char in text[start:end]) >= fewest:
        if _is_phone(text[start:end], tuple(regions)):
            yield start, end
            return
        cut = max(text.rfind(mark, start, end) for mark in " -/.")
        if cut <= start:
            return
        end = cut


@lru_cache(100_000)
def _is_phone(text: str, regions: tuple[str, ...]) -> bool:
    import phonenumbers

    number = "+" + text[2:] if text.startswith("00") else text
    for region in (None,) if number.startswith("+") else regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _names(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span(1) for match in _NAME.finditer(text))


_LOOKS: Final[Sequence[tuple[str, Callable[..., Iterator[tuple[int, int]]]]]] = (
    ("email", _emails),
    ("iban", _ibans),
    ("card", _cards),
    ("national_id", _identities),
    ("ip", _addresses),
    ("phone", _phones),
    ("name", _names),
)


def _after_a_word(kind: str, more: str = "") -> str:
    words = "|".join((_WORDS[kind] + more).split())
    return rf"|(?i:\b(?:{words})|[⺀-鿿])\D{{0,{_LOOK_BACK}}}\d"


CANDIDATES: Final = {  # for Rust's engine: a text that has none of a kind's is not looked at for it
    "email": r"@|%40",
    "iban": r"(?-u:\b)[A-Za-z]{2}\d\d[ -]?[A-Za-z0-9]{4}[ -]?[A-Za-z0-9]{4}[ -]?[A-Za-z0-9]{3}",
    "card": r"(?-u:\b)(?:4\d|5[0-8]|2[2-7]|3[0-9]|6\d)\d\d"
    r"(?:[ -]?\d{4}[ -]?\d{4}[ -]?\d\d|[ -]\d{6}[ -]\d{4})",
    "national_id": rf"(?-u:\b)(?:{TELLING_SHAPES})" + _after_a_word("identity", " id"),
    "ip": r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:",
    "phone": r"(?:\+|(?-u:\b)00)[1-9](?:[ .\-/()\x{a0}]{0,3}\d){6}"
    r"|(?-u:\b)\d{3}[) .\-] ?\d{3}[ .\-]\d{4}(?-u:\b)"
    r"|(?-u:\b)0\d{1,5}[) .\-/]{1,4}\d\d(?:[ .\-/]{0,3}\d){4}"
    r"|(?-u:\b)1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + _after_a_word("phone"),
    "name": _NAME.pattern,
}
