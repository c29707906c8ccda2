"""A key file is a secret, and says what is wrong with it without giving it away."""

import pytest

from adcli.errors import UsageError
from adcli.privacy.keys import Key, read_keys

SECRETS = ["0" * 64, "f" * 64]


def key_file(folder, text, mode=0o600):
    path = folder / "keys"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_keys_are_numbered_by_line_and_told_apart_without_being_shown(tmp_path):
    first, second = read_keys(key_file(tmp_path, "\n".join(SECRETS) + "\n\n"))
    assert (first.number, second.number) == (1, 2)
    assert first.id != second.id
    for text in (repr(first), str([first]), first.id):
        assert first.secret.hex()[:8] not in text
        assert SECRETS[0][:8] not in text
    assert first == read_keys(key_file(tmp_path, SECRETS[0]))[0]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_read_is_none(tmp_path, mode):
    with pytest.raises(UsageError, match=f"its mode is {mode:o}.*chmod 600"):
        read_keys(key_file(tmp_path, SECRETS[0], mode))


@pytest.mark.parametrize("text", ["", "\n\n", "short", SECRETS[0] + "\n\n" + SECRETS[1]])
def test_what_is_no_key_is_said_and_not_shown(tmp_path, text):
    with pytest.raises(UsageError, match="--key-file") as error:
        read_keys(key_file(tmp_path, text))
    assert "short" not in str(error.value)
    with pytest.raises(UsageError, match=r"No such file.*umask 077"):
        read_keys(tmp_path / "none")


def test_the_id_of_a_key_is_not_its_secret():
    assert Key(1, b"x" * 32).id not in Key(2, b"x" * 32).secret.hex()
