"""Chinese ads have the measure word of their noun, full-width punctuation and values of the record."""

import re

import polars as pl
import pytest

from adcli.copy.facts import product_facts
from adcli.generate.ads import generate_ads
from adcli.generate.chinese import noun_for

ROWS = pl.DataFrame(
    [
        {"item_id": "1", "title": "山野 帐篷 双人 防雨", "brand": "山野", "description": "铝合金支架，3分钟搭好，重2.1公斤。"},
        {"item_id": "2", "title": "复古针织连衣裙", "brand": "", "description": "类型#裙*材质#针织*颜色#白色*图案#格子"},
        {"item_id": "3", "title": "云朵 记忆棉枕头 一对装", "brand": "云朵", "description": "枕套可拆洗，高10厘米。"},
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def ads():
    return generate_ads(ROWS, n=3, channel="meta-feed")


def test_each_product_has_ads_of_its_own_angles(ads):
    assert ads.group_by("item_id").len()["len"].min() >= 2
    assert all(its["angle"].n_unique() == its.height for _, its in ads.group_by("item_id"))


def test_punctuation_is_chinese_and_no_word_is_english(ads):
    for text in (text for texts in (*ads["headlines"], *ads["descriptions"]) for text in texts):
        assert not re.search(r"[,;:?!]|\b(?:and|the|a)\b|\.(?!\d)", text), text
        assert not re.search(r"[，：、]{2}|[，：、]。", text), text


@pytest.mark.parametrize(
    ("title", "measure"), [("山野 帐篷", "顶"), ("复古连衣裙", "条"), ("华凌 空调", "台"), ("小鹿 保温杯", "只"), ("某牌 香薰", "款")]
)  # fmt: skip
def test_nouns_have_their_measure_word(title, measure):
    assert noun_for(product_facts({"item_id": "1", "title": title})).measure == measure


def test_asking_for_chinese_leaves_products_without_a_chinese_noun_alone():
    mixed = pl.concat([ROWS, pl.DataFrame({"item_id": ["e"], "title": ["Acme Mug"]})], how="diagonal")
    assert "e" not in set(generate_ads(mixed, n=1, channel="plain", language="zh")["item_id"])
