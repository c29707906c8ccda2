"""Breakdowns of the same counts below one another in one report are not added."""

import pytest

from adcli.errors import DataError

HEADER = "Day,Campaign,Ad group,Keyword,Device,Country,Gender,CTR,Impressions,Clicks,Cost\n"
CAMPAIGNS = "2026-08-01,A,,,,,,10%,100,10,5.00\n2026-08-01,B,,,,,,4%,200,8,6.00\n"
DEVICES = (
    "2026-08-01,,,,mobile,,,6%,180,11,7.00\n2026-08-01,,,,desktop,,,6%,100,6,3.00\n"
    "2026-08-01,,,,tablet,,,5%,20,1,1.00\n"
)
COUNTRIES = "2026-08-01,,,,,DE,,6%,150,9,5.50\n2026-08-01,,,,,FR,,6%,149,9,5.50\n"  # a rare one is withheld
GENDERS = "2026-08-01,,,,,,female,6%,180,11,7.00\n2026-08-01,,,,,,male,,120,7,4.00\n"
FEWER = "2026-08-01,,,,mobile,,,6%,90,5,3.00\n2026-08-01,,,,desktop,,,5%,60,3,2.00\n"
AD_GROUPS = (
    "2026-08-01,A,x,,,,,10%,60,6,3.00\n2026-08-01,A,y,,,,,10%,40,4,2.00\n2026-08-01,B,z,,,,,4%,200,8,6.00\n"
)
OTHER, TOTAL = "another breakdown, which restates other rows", "a total, which restates other rows"


def counted(read, rows, **column_map):
    got = read(HEADER + rows, tables=("report",), column_map=column_map)
    return got, got.frame["impressions"].sum()


@pytest.mark.parametrize(
    ("rows", "taken", "left_out"),
    [
        (CAMPAIGNS + DEVICES, "Device", [OTHER] * 2),
        (CAMPAIGNS + GENDERS, "Campaign", [OTHER] * 2),
        (CAMPAIGNS + DEVICES + COUNTRIES, "Device", [OTHER] * 4),
        (CAMPAIGNS + DEVICES + "Total,,,,,,,,300,18,11.00\n", "Device", [OTHER] * 2 + [TOTAL]),
        (CAMPAIGNS + DEVICES + "2026-08-01,,,,,,,,300,18,11.00\n", "Device", [OTHER] * 3),
        (AD_GROUPS + CAMPAIGNS + GENDERS, "Campaign and Ad group", [TOTAL] * 2 + [OTHER] * 2),
    ],
    ids=["two", "a column that is carried along", "three", "total", "total without a name", "subtotals"],
)
def test_the_finest_of_several_breakdowns_is_taken_and_said(read, rows, taken, left_out):
    got, impressions = counted(read, rows)
    assert impressions == 300
    assert sorted(reason for _, reason in got.reasons) == sorted(left_out)
    assert f"those by {taken} are taken" in " ".join(got.stream.notes)


def test_a_breakdown_is_picked_by_naming_its_column(read):
    got, impressions = counted(read, CAMPAIGNS + DEVICES, campaign_id="Campaign")
    assert impressions == 300
    assert got.frame["campaign_id"].to_list() == ["A", "B"]


def test_breakdowns_that_differ_are_asked_about(read):
    with pytest.raises(
        DataError, match=r"2 by Campaign, 2 by Device.* --map campaign_id='Campaign' or --map"
    ):
        counted(read, CAMPAIGNS + FEWER)
    assert counted(read, CAMPAIGNS + FEWER, device="Device")[1] == 150
    got, impressions = counted(read, CAMPAIGNS + FEWER, device="Device", campaign_id="Campaign")
    assert impressions == 450
    assert "are added, as all were named" in " ".join(got.stream.notes)


@pytest.mark.parametrize(
    "rows",
    [
        (
            "2026-08-01,A,,lamp,mobile,,,,100,10,5\n2026-08-01,A,,,mobile,,,,50,2,1\n"
            "2026-08-01,,,bulb,desktop,,,,70,2,1\n2026-08-01,B,,(not set),,,,,80,2,1\n"
        ),
        CAMPAIGNS + "2026-08-02,,,,mobile,,,,0,0,0.00\n",
        "2026-08-01,S,,lamp,,,,,220,10,5\n2026-08-01,D,,,tv,,,,50,2,1\n2026-08-01,P,,,,,,,30,2,1\n",
    ],
    ids=["an empty cell here and there", "other days", "other campaigns"],
)
def test_rows_of_different_traffic_are_added(read, rows):
    got, impressions = counted(read, rows)
    assert (impressions, got.reasons) == (300, [])
