"""Reports of ad platforms in the form that each exports them; the column names are from their documentation."""

import csv
from datetime import date
from decimal import Decimal

import pytest

from adcli.errors import DataError

GOOGLE = """Campaign report
"Aug 1, 2026 - Aug 2, 2026"
Day,Campaign status,Campaign,Budget,Currency code,Campaign type,Impr.,Interactions,Interaction rate,Cost,Clicks,Search impr. share,Conv. value,Conversions
2026-08-01,Enabled,Brand | DE,50.00,EUR,Search,"12,345","1,300",10.53%,1310.40,"1,204",< 10%,"5,010.20",31.50
2026-08-01,Enabled,Total Wine,50.00,EUR,Search,655,60,9.16%,150.00,60,22.1%,100.00,2.00
2026-08-02,Paused,Brand | DE,50.00,EUR,Search,"2,900",270,9.31%,150.00,266, --,500.00,3.00
Total: Campaigns,,,,EUR,,"15,900","1,630",9.62%,1610.40,"1,530",--,"5,610.20",36.50
Total: Account,,,,EUR,,"15,900","1,630",9.62%,1610.40,"1,530",--,"5,610.20",36.50
"""  # support.google.com/google-ads, "About columns in your statistics tables", "Download your data"

TITLES, HEADER, ROWS = "Campaign report\nAug 1, 2026 - Aug 2, 2026\n", *GOOGLE.split("\n", 3)[2:]
GOOGLE_EXCEL = (
    TITLES + "\n".join("\t".join(cells) for cells in csv.reader([HEADER, *ROWS.splitlines()])) + "\n"
).encode("utf-16")  # "Excel .csv": UTF-16 with tabs, under the same name

MICROSOFT = """"Report Name: Campaigns"
"Report Time: 8/1/2026-8/2/2026"
"Time Zone: (GMT+01:00) Amsterdam, Berlin, Bern"
"Last Completed Available Day: 8/2/2026"
"Report Aggregation: Hourly"
"Rows: 3"

"TimePeriod","CampaignId","CampaignName","DeviceType","CurrencyCode","Impressions","Clicks","Ctr","Spend","Conversions","Revenue"
"2026-08-01;7","100","Brand","Computer","EUR","900","22","2.44%","31.50","1","59.00"
"2026-08-01;8","100","Brand","Computer","EUR","1,100","28","2.55%","38.50","2","99.00"
"2026-08-02;0","100","Brand","Smartphone","EUR","0","1","","0.40","0","0"

"@2026 Microsoft Corporation. All rights reserved. "
"""  # learn.microsoft.com/advertising/guides/reports, CampaignPerformanceReportColumn

META = """Reporting starts,Reporting ends,Campaign name,Day,Results,Result indicator,Reach,Impressions,Link clicks,Clicks (all),Amount spent (EUR),Purchases,Purchases conversion value
2026-08-01,2026-08-31,,2026-08-01,12,,8000,21000,400,540,210.00,12,840.00
2026-08-01,2026-08-31,Prospecting,2026-08-01,9,actions:offsite_conversion.fb_pixel_purchase,6000,15000,300,420,150.00,9,640.00
2026-08-01,2026-08-31,Retargeting,2026-08-01,3,actions:offsite_conversion.fb_pixel_purchase,2500,6000,100,120,60.00,3,200.00
2026-08-01,2026-08-31,,2026-08-02,1,,700,1000,10,14,9.00,1,50.00
2026-08-01,2026-08-31,Prospecting,2026-08-02,1,actions:offsite_conversion.fb_pixel_purchase,700,1000,10,14,9.00,1,50.00
"""  # facebook.com/business/help, "Ads Manager metrics and breakdowns"

TIKTOK = """By Day,Campaign name,Ad group name,Cost,Impressions,Clicks (destination),CTR (destination),Conversions,Complete payment,Total complete payment value,Currency
2026-08-01,T1,G1,12.50,9000,70,0.78%,5,1,40.00,EUR
2026-08-01,T1,G2,7.50,4000,20,0.50%,-,-,-,EUR
Total of 2 results,-,-,20.00,13000,90,0.69%,5,1,40.00,-
"""  # ads.tiktok.com/help, "All Metrics"

AMAZON = """Start Date,End Date,Portfolio name,Currency,Campaign Name,Ad Group Name,Targeting,Match Type,Customer Search Term,Impressions,Clicks,Click-Thru Rate (CTR),Cost Per Click (CPC),Spend,7 Day Total Sales ,7 Day Total Orders (#),7 Day Advertised SKU Sales ,7 Day Other SKU Sales\x20
"Aug 01, 2026","Aug 01, 2026",Not grouped,EUR,Auto,Main,close-match,-,garden chair,1200,12,1.0%,€1.50,€18.00,€98.00,2,€58.00,€40.00
"Aug 01, 2026","Aug 01, 2026",Not grouped,EUR,Auto,Main,close-match,-,b08xyz1234,800,3,0.375%,€1.00,€3.00,€0.00,0,€0.00,€0.00
"""  # advertising.amazon.com/help, "Search term report"

CRITEO = """Day,AdvertiserId,AdsetId,Adset,Currency,Displays,Clicks,AdvertiserCost,SalesAllClientAttribution,RevenueGeneratedAllClientAttribution
2026-08-01,77,1,Lower funnel,EUR,50000,300,120.5,6,512.25
2026-08-01,77,2,Mid funnel,EUR,20000,60,30,0,0
"""  # developers.criteo.com, "Metrics and dimensions"

YANDEX = """Report
Date\tCampaignId\tCampaignName\tAdGroupId\tAdId\tImpressions\tClicks\tCost\tConversions
2026-08-01\t100\tBrand\t5\t77\t1000\t20\t500500000\t2
2026-08-01\t100\tBrand\t5\t78\t500\t4\t99000000\t--
Total rows: 2
"""  # yandex.com/dev/direct/doc/reports, "Report fields", "Report specifications"

PINTEREST = """Date,Campaign name,Ad group name,Spend in account currency,Impressions,Pin clicks,Outbound clicks,Total conversions,Checkouts,Checkout value in account currency
2026-08-01,P,Q,30.00,9000,120,80,9,3,150.00
2026-08-02,P,Q,20.00,6000,90,60,5,1,40.00
Total,,,50.00,15000,210,140,14,4,190.00
"""  # help.pinterest.com/business, "Reporting metrics glossary"

LINKEDIN = """Campaign Performance Report (in UTC)
"Report Start: 8/1/2026, Report End: 8/13/2026"

Start Date (in UTC),Account Name,Currency,Campaign Group Name,Campaign Name,Campaign ID,Total Spent,Impressions,Clicks,Conversions
8/1/2026,A,EUR,G,C,123,"1,234.50","10,000",40,2
8/13/2026,A,EUR,G,C,123,10.00,500,1,0
"""  # linkedin.com/help/lms, "Export campaign performance"

GOOGLE_API = """segments.date,campaign.id,segments.device,metrics.impressions,metrics.clicks,metrics.cost_micros,metrics.conversions,metrics.conversions_value
2026-08-01,111,MOBILE,1000,20,5250000,1.5,60.25
2026-08-01,111,DESKTOP,400,10,1,0.0,0.0
"""  # developers.google.com/google-ads/api/fields

EXPORTS = {
    "google": (GOOGLE, {}, (15900, 1530, "1610.40", "36.50", "5610.20"), 2),
    "google excel": (GOOGLE_EXCEL, {}, (15900, 1530, "1610.40", "36.50", "5610.20"), 2),
    "microsoft": (MICROSOFT, {}, (2000, 51, "70.40", "3", "158"), 1),
    "meta": (META, {}, (22000, 410, "219", "13", "890"), 2),
    "tiktok": (TIKTOK, {}, (13000, 90, "20", "1", "40"), 1),
    "amazon": (AMAZON, {}, (2000, 15, "21", "2", "98"), 0),
    "criteo": (CRITEO, {}, (70000, 360, "150.5", "6", "512.25"), 0),
    "pinterest": (PINTEREST, {}, (15000, 140, "50", "4", "190"), 1),
    "linkedin": (LINKEDIN, {}, (10500, 41, "1244.50", "2", None), 0),
    "google api": (GOOGLE_API, {}, (1400, 30, "5.250001", "1.5", "60.25"), 0),
    "yandex": (YANDEX, {"cost_micros": "Cost"}, (1500, 24, "599.5", "2", None), 1),
}


@pytest.mark.parametrize("exporter", EXPORTS)
def test_the_sums_of_an_export_are_those_of_its_rows(read, exporter):
    text, by_hand, sums, totals = EXPORTS[exporter]
    got = read(text, tables=("impressions", "report", "events"), column_map=by_hand)
    assert got.stream.table.name == "report"
    found = [
        got.frame[name].sum() if name in got.frame.columns else None
        for name in ("impressions", "clicks", "cost", "conversions", "revenue")
    ]
    assert found == [None if one is None else Decimal(one) for one in sums]
    assert len(got.rejects) == totals


def test_totals_are_rejected_as_such_and_a_campaign_called_total_is_not(read):
    got = read(GOOGLE, tables=("report",))
    assert [reason for _, reason in got.reasons] == ["a total, which restates other rows"] * 2
    assert "Total Wine" in got.frame["campaign_id"].to_list()
    assert "2 lines above the header" in got.stream.notes[0]


def test_a_row_without_a_name_that_is_the_sum_of_the_others_is_a_total(read):
    got = read(META, tables=("report",))
    assert got.reasons == [
        (2, "a total, which restates other rows"),
        (5, "a total, which restates other rows"),
    ]
    unlike = META.replace("21000,400", "21001,400")
    assert not read(unlike, tables=("report",)).reasons


def test_which_clicks_were_taken_is_said_and_can_be_chosen(read):
    assert (
        "Clicks (all) could be clicks too, but Link clicks is taken"
        in read(META, tables=("report",)).stream.notes[0]
    )
    got = read(META, tables=("report",), column_map={"clicks": "Clicks (all)"})
    assert got.frame["clicks"].sum() == 554


def test_days_are_days_and_hours_stand_beside_them(read):
    frame = read(MICROSOFT, tables=("report",)).frame
    assert frame["date"].to_list() == [date(2026, 8, 1), date(2026, 8, 1), date(2026, 8, 2)]
    assert frame["hour"].to_list() == [7, 8, 0]
    assert read(LINKEDIN, tables=("report",)).frame["date"].to_list() == [date(2026, 8, 1), date(2026, 8, 13)]


def test_periods_are_no_days(read):
    got = read(AMAZON.replace('"Aug 01, 2026","Aug 01', '"Aug 01, 2026","Aug 31'), tables=("report",))
    assert "date" not in got.frame.columns
    assert "a row is a period (Start Date to End Date), not a day" in " ".join(got.stream.notes)


def test_the_currency_of_a_name_is_a_column(read):
    assert read(META, tables=("report",)).frame["currency"].unique().to_list() == ["EUR"]


def test_conversions_go_with_their_own_money(read):
    got = read(TIKTOK, tables=("report",))
    assert got.frame["conversions"].sum() == 1  # not the 5 of `Conversions`, which are worth something else


def test_results_that_mean_several_things_have_no_sum(read):
    text = (
        META.replace(",Purchases,Purchases conversion value", "")
        .replace(",9,640.00", "")
        .replace(",3,200.00", "")
    )
    text = "\n".join(line for line in text.split("\n") if ",," not in line).replace(",1,50.00", "")
    mixed = text.replace("6000,100", "6000,100").replace(
        "Retargeting,2026-08-01,3,actions:offsite_conversion.fb_pixel_purchase",
        "Retargeting,2026-08-01,3,actions:lead",
    )
    assert read(text, tables=("report",)).frame["conversions"].sum() == 13
    with pytest.raises(DataError, match="counts different things"):
        read(mixed, tables=("report",))


def test_cost_in_millionths_is_asked_about(read):
    with pytest.raises(DataError, match="--map cost_micros='Cost', or --map cost='Cost'"):
        read(YANDEX, tables=("report",))
    assert read(YANDEX, tables=("report",), column_map={"cost": "Cost"}).frame["cost"].sum() == 599_500_000


def test_a_count_that_is_not_told_is_no_zero(read):
    got = read("Day,Query,Impressions,Clicks\n2026-08-01,a,<10,0\n2026-08-01,b,500,3\n", tables=("report",))
    assert got.reasons == [(2, "impressions: not a whole number: '<10'")]


def test_counts_grouped_by_points_are_whole(read):
    got = read("Tag;Kampagne;Impressions;Clicks;Cost\n1.8.2026;A;12.345;1.204;1.310,40\n", tables=("report",))
    assert got.frame.select("impressions", "clicks", "cost").row(0) == (12345, 1204, Decimal("1310.40"))


def test_more_clicks_than_impressions_are_told(read):
    got = read(MICROSOFT, tables=("report",))
    assert "1 of 3 rows have more clicks than impressions" in " ".join(got.stream.notes)


LOG = "event_time,user_id,item_id,click,impressions\n2024-01-01 10:00:00,u1,a,1,1\n2024-01-01 11:00:00,u2,b,0,1\n"


def test_a_log_of_impressions_with_a_column_of_impressions_is_refused(read):
    with pytest.raises(DataError, match="it may be one impression, or the counts of many"):
        read(LOG, tables=("impressions", "report", "events"))
    assert (
        read(LOG, tables=("impressions", "report", "events"), table="impressions").frame["click"].sum() == 1
    )
    assert read(LOG, tables=("impressions", "report"), table="report").frame["impressions"].sum() == 2


@pytest.mark.parametrize("tables", [("impressions",), ("events",), ("events", "reviews")])
def test_what_needs_single_rows_says_why_a_report_is_none(read, tables):
    with pytest.raises(DataError, match=r"is a report .* this needs (impressions|events) \(a row is one"):
        read(TIKTOK, tables=tables)


def test_a_cleaned_report_is_read_again(read):
    import io

    frame = read(GOOGLE, tables=("report",)).frame
    held = io.BytesIO()
    frame.write_parquet(held)
    again = read(held.getvalue(), name="clean.parquet", tables=("impressions", "report")).frame
    assert again.equals(frame)


def test_a_query_for_total_is_no_total(read):
    text = "Search term,Campaign,Impr.,Clicks\ntotal,Fuel,10,2\ntotal station,Fuel,20,3\nTotal,,30,5\n"
    got = read(text, tables=("report",))
    assert got.frame["query"].to_list() == ["total", "total station"]
    assert got.reasons == [(4, "a total, which restates other rows")]


@pytest.mark.parametrize("account", ["AccountId", "profile_id", "customer.id"])
def test_the_advertiser_s_account_is_no_user(read, account):
    got = read(f"{account},Day,Impressions,Clicks\n7,2026-08-01,1,1\n", tables=("impressions", "report"))
    assert got.stream.table.name == "report"


def test_several_clicks_are_of_no_single_impression(read):
    got = read("user_id,Impressions,Clicks\nu1,9,2\nu2,3,0\n", tables=("impressions", "report"))
    assert (got.stream.table.name, got.frame["clicks"].sum()) == ("report", 2)


def test_revenue_is_in_millionths_where_the_cost_is(read):
    text = YANDEX.replace("Conversions", "Conversions\tRevenue").replace("\t2\n", "\t2\t9000000000\n")
    text = text.replace("--\n", "--\t--\n")
    got = read(text, tables=("report",), column_map={"cost_micros": "Cost"})
    assert got.frame["revenue"].sum() == 9000
    assert "Revenue is in millionths as Cost is" in " ".join(got.stream.notes)
    by_hand = read(text, tables=("report",), column_map={"cost_micros": "Cost", "revenue": "Revenue"})
    assert by_hand.frame["revenue"].sum() == 9_000_000_000
