"""`adcli clean` as a user runs it."""


def test_the_command_rejects_counts_and_fails_on_rules(adcli, tmp_path):
    log = (
        "event_time,user_id,event_type,price\n2024-01-01,u,view,5\n1970-01-01,u,view,5\n2024-01-01,u,buy,0\n"
    )
    (tmp_path / "log.csv").write_text(log)
    done = adcli("clean", "log.csv", "-o", "out.csv", "--rejects", "rejects.csv")
    assert "3 read = 2 written + 1 rejected (time_too_early: a time before the year 1990 1)" in done.said
    assert "free_purchase: 1 row kept" in done.said
    assert '""event_type"": ""view""' in (tmp_path / "rejects.csv").read_text()
    (tmp_path / "out.csv").unlink()
    done = adcli("clean", "log.csv", "-o", "out.csv", "--fail-on", "free_purchase")
    assert (done.returncode, (tmp_path / "out.csv").exists()) == (4, False)
    (tmp_path / "rules.toml").write_text('[own]\nexpression = "prise > 4"\n')
    done = adcli("clean", "log.csv", "-o", "out.csv", "--rules", "rules.toml")
    assert done.returncode == 2
    assert "asks for a column 'prise'. Did you mean 'price'?" in done.said
