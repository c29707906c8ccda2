"""Commands on real files, held to checked figures."""

import json

import pytest
from told import rows


def test_a_broken_split_stops_the_verdict_of_an_ab_test(adcli, shared_data):
    found = rows(
        adcli(
            "evaluate", "ab", shared_data / "abtest/cookie_cats.csv.gz", "--variant", "version",
            "--metric", "retention_7", "--control", "gate_30",
        )
    )  # fmt: skip
    ratio, effect = found
    assert ratio["metric"] == "sample_ratio"
    assert ratio["statistic"] == pytest.approx(6.902, abs=5e-4)
    assert ratio["p_value"] == pytest.approx(0.00861, abs=5e-6)
    assert effect["difference"] == pytest.approx(-0.008201, abs=5e-7)
    assert effect["statistic"] == pytest.approx(-3.1644, abs=5e-5)
    assert effect["p_value"] == pytest.approx(0.00155, abs=5e-6)
    assert effect["verdict"].startswith("invalid: ")


def test_a_three_armed_test_without_naming_columns(adcli, shared_data):
    found = rows(
        adcli(
            "evaluate", "ab", shared_data / "abtest/hillstrom.csv.gz", "--metric", "visit", "--metric", "spend",
            "--control", "No E-Mail",
        )
    )  # fmt: skip
    effect = {(row["metric"], row["variant"]): row for row in found}
    assert effect["visit", "Mens E-Mail"]["difference"] == pytest.approx(0.07659, abs=5e-6)
    assert effect["visit", "Mens E-Mail"]["statistic"] == pytest.approx(22.49, abs=5e-3)
    assert effect["spend", "Mens E-Mail"]["difference"] == pytest.approx(0.7698, abs=5e-5)
    assert effect["visit", "Womens E-Mail"]["difference"] == pytest.approx(0.04523, abs=5e-6)
    assert effect["spend", "Womens E-Mail"]["difference"] == pytest.approx(0.4244, abs=5e-5)
    assert effect["visit", "Mens E-Mail"]["verdict"] == "better"


@pytest.mark.parametrize(
    ("campaign", "ips", "snips", "ess"), [("all", 0.002360, 0.002334, 340), ("men", 0.003009, 0.003189, 656)]
)
def test_the_uniform_policy_from_the_thompson_log(adcli, shared_data, campaign, ips, snips, ess):
    found = rows(adcli("evaluate", "policy", "uniform", shared_data / f"bandit/obd_bts_{campaign}.csv.gz"))
    by = {row["estimator"]: row for row in found}
    assert by["ips"]["value"] == pytest.approx(ips, abs=5e-7)
    assert by["snips"]["value"] == pytest.approx(snips, abs=5e-7)
    assert by["ips"]["effective_sample_size"] == pytest.approx(ess, abs=0.5)
    assert {row["verdict"] for row in found} == {"not enough evidence"}


def test_forty_six_clicks_are_not_enough_to_leave_the_logging_policy(adcli, shared_data, tmp_path):
    log = shared_data / "bandit/obd_random_men.csv.gz"
    done = adcli("optimize", "policy", log, "-o", "policy", "--report", "chosen.html")
    assert done.returncode == 0, done.said
    assert "Not enough evidence to leave it" in done.said
    assert json.loads((tmp_path / "policy/policy.json").read_text())["chosen"] == "logged"
    found = rows(adcli("evaluate", "policy", "policy", log))
    assert {row["verdict"] for row in found} <= {"not enough evidence", "no difference found"}
    decisions = rows(adcli("optimize", "apply", "policy", log))
    assert len(decisions) == 10_000
    assert all(0 < row["propensity"] <= 1 for row in decisions)
    assert {"item_id", "placement", "propensity"} <= set(decisions[0])


def test_a_policy_that_is_none_and_a_policy_of_other_actions(adcli, shared_data):
    log = shared_data / "bandit/obd_random_men.csv.gz"
    done = adcli("evaluate", "policy", "unifrm", log)
    assert done.returncode == 2
    assert "Did you mean 'uniform'?" in done.said
    assert (
        adcli("optimize", "policy", shared_data / "bandit/obd_random_all.csv.gz", "-o", "policy").returncode
        == 0
    )
    done = adcli("evaluate", "policy", "policy", log)
    assert done.returncode == 3
    assert "34 of its 80 actions" in done.said


def test_a_gate_on_the_value_of_a_policy(adcli, shared_data):
    log = shared_data / "bandit/obd_random_men.csv.gz"
    assert adcli("evaluate", "policy", "logged", log, "--fail-under", "0.9").returncode == 4
    assert adcli("evaluate", "policy", "logged", log, "--fail-under", "0.0001").returncode == 0


def test_bidders_on_real_auctions(adcli, shared_data):
    auctions, totals = (
        shared_data / "rtb/ipinyou_auctions_dev.csv.gz",
        shared_data / "rtb/ipinyou_2997.info.json",
    )
    found = rows(adcli("evaluate", "bids", auctions, "--campaign", "2997", "--totals", totals))
    by = {row["bidder"]: row for row in found}
    assert by["mcpc"]["clicks"] < by["linear"]["clicks"] < by["clairvoyant"]["clicks"]
    assert all(row["spend_share"] <= 1 for row in found)
    assert adcli("evaluate", "bids", auctions, "--campaign", "1").returncode == 3


def test_pipes_of_commands(adcli, shared_data):
    cleaned = adcli("clean", "-", stdin=(shared_data / "bandit/obd_random_men.csv.gz").read_bytes())
    found = rows(adcli("evaluate", "rates", "-", stdin=cleaned.stdout))
    assert found[0]["metric"] == "ctr"
    assert found[0]["value"] == 0.0046
    assert (found[0]["numerator"], found[0]["denominator"]) == (46, 10_000)


def test_a_report_is_one_page_without_scripts_or_network(adcli, shared_data, tmp_path):
    log = shared_data / "bandit/obd_random_men.csv.gz"
    done = adcli(
        "evaluate",
        "rates",
        log,
        "--by",
        "placement",
        "-o",
        "rates.csv",
        "--report",
        "page.html",
        "--plots",
        "plots",
    )
    assert done.returncode == 0, done.said
    page = (tmp_path / "page.html").read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert (tmp_path / "plots/ctr.svg").exists()
    assert (tmp_path / "plots/ctr.png").read_bytes().startswith(b"\x89PNG")
