"""Personal data is found among order numbers, article numbers, versions and sizes."""

import pytest

from adcli.errors import UsageError
from adcli.privacy.personal_data import CANDIDATES, check_regions, find, masked

FOUND = {
    "Write to anna.b+x@shop.example.org!": "Write to [email]!",
    "/login?mail=anna%40example.com&x=1": "/login?mail=[email]&x=1",
    "邮箱li@qq.com谢谢": "邮箱[email]谢谢",
    "pay DE89 3704 0044 0532 0130 00 BITTE": "pay [iban] BITTE",
    "GB82WEST12345698765432": "[iban]",
    "card 4111 1111 1111 1111, 3782 822463 10005": "card [card], [card]",
    "from 85.214.132.117 and 2001:db8:85a3::8a2e:370:7334": "from [ip] and [ip]",
    "http://10.0.0.1/": "http://[ip]/",
    "+49 30 901820 or 0049 30 901820": "[phone] or [phone]",
    "(415) 555-2671, 0171/1234567, 06 12 34 56 78": "[phone], [phone], [phone]",
    "手机13812345678": "手机[phone]",
    "call me: 555 1234 please": "call me: [phone] please",
    "身份证 11010519491231002X": "身份证 [national_id]",
    "440301199001011234 and 536-90-4399": "[national_id] and [national_id]",
    "RSSMRA85T10A562S 12345678Z AB123456C": "[national_id] [national_id] [national_id]",
    "PESEL 44051401359, Steuer-ID: 36574261809": "PESEL [national_id], Steuer-ID: [national_id]",
    "first_name=Anna&last_name=Schmidt&q=shoe": "first_name=[name]&last_name=[name]&q=shoe",
    "收件人：王小明": "收件人：[name]",
}
NONE = (
    "logo@2x.png", "order 4012888888881881", "EAN 4006381333931", "4006381333931", "0012345678905",
    "firmware 2.14.3.117, v1.2.3.4, Chrome/120.0.0.0", "at 12:30:45 std::vector", "订单 13812345678",
    "order 20240315123456, 2024-03-15 10:22:33, 01/02/2024 10 20", "size 36-38, 30x40x50 cm, EU 42.5",
    "113-1234567-1234567", "44051401359", "product id 44051401359", "SKU 260126-6119", "tracking 1Z999AA10123456784",
    "Name: Trail Shoe", "300.1.2.3 and 01.02.03.04", "4111111111111112", "DE89370400440532013001", "",
)  # fmt: skip


@pytest.mark.parametrize("text", FOUND)
def test_personal_data_is_masked(text):
    assert masked(text) == FOUND[text]


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_stays(text):
    assert masked(text) == text


def test_places_are_said_in_order_and_by_kind():
    assert find("a@b.example, 10.0.0.1") == [(0, 11, "email"), (13, 21, "ip")]
    assert find("a@b.example, 10.0.0.1", kinds=["ip"]) == [(13, 21, "ip")]
    assert set(CANDIDATES) == {"email", "phone", "card", "iban", "ip", "national_id", "name"}


def test_numbers_of_a_region_need_no_country_code():
    assert masked("612 345 678") == "612 345 678"
    assert masked("612 345 678", ["ES"]) == "[phone]"
    with pytest.raises(UsageError, match="--phone-region UK: there is no such country"):
        check_regions(["UK"])
