"""Settings: what the configuration accepts works later, and what cannot work is refused in one sentence at the start."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition import config as settings
from petition.config import Config, ConfigIncomplete, addresses
from petition.config.secret_files import kept_secret
from petition.mail import DkimKeyWrong, Message, dkim
from petition.privacy import Vault

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def read(folder: Path | str, **given_settings: str) -> Config:
    """The configuration of a test installation with these settings."""
    (pepper := Path(folder) / "pepper").write_bytes(bytes(range(32)))
    base = {"PETITION_ENV": "test", "PETITION_HOME": str(folder), "PETITION_PEPPER_FILE": str(pepper)}
    keys = {"PETITION_SECRET_KEY": "s" * 32, "PETITION_MASTER_KEY": KEY}
    return Config.from_env(base | keys | given_settings)


def refusal(folder: Path, name: str, value: str) -> str:
    """The one sentence with which a setting is refused."""
    with pytest.raises(ConfigIncomplete) as refused:
        read(folder, **{name: value})
    (sentence,) = refused.value.problems
    return sentence


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


@pytest.mark.parametrize(
    "sender",
    [
        "Letters, Inc. <a@b.org>",
        "Letters <a@b.org",
        "a@b.org>",
        "a@b",
        "a,b@c.org",
        "a@b.org c@d.org",
        "A <b> <a@b.org>",
    ],
)
def test_a_sender_from_which_no_mail_could_go_out_is_refused(folder: Path, sender: str) -> None:
    assert refusal(folder, "MAIL_FROM", sender).startswith("MAIL_FROM must be one mail address")


@pytest.mark.parametrize(
    "sender",
    ["a@b.org", "Lettre ouverte à tous <a@b.org>", '"Letters, Inc." <a@b.org>', "Letters (test) <o'x+1@b-c.org>"],
)
def test_a_sender_with_or_without_a_name_is_accepted(folder: Path, sender: str) -> None:
    assert read(folder, MAIL_FROM=sender).mail_from == sender


parts = st.sampled_from(
    ["a@b.org", "<", ">", " ", ",", '"', "(", ")", ":", ";", "é", "\\", "@", "Letters", "\x7f", "\udcff", "\u2028"]
)


@given(st.lists(parts, min_size=1, max_size=6).map("".join))
def test_every_sender_that_is_accepted_can_head_a_mail(tmp_path_factory: pytest.TempPathFactory, sender: str) -> None:
    home = tmp_path_factory.getbasetemp()
    try:
        accepted = read(home, MAIL_FROM=sender).mail_from
    except ConfigIncomplete:
        return
    mail = Message("to@c.org", accepted, "Subject", "text", "<p>", "en", "<id@b.org>", NOW)
    assert b"a@b.org" in mail.as_bytes().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("key", [f"{KEY}é", f"{KEY}{KEY}", "é" * 32, KEY[:-1] + "\u00a0,"])
def test_a_master_key_that_would_encrypt_nothing_is_refused(folder: Path, key: str) -> None:
    assert refusal(folder, "PETITION_MASTER_KEY", key).startswith("PETITION_MASTER_KEY must be 32 bytes")


@given(st.lists(st.sampled_from([KEY, KEY.rstrip("="), "=", ",", " ", "é", "-_", "+/", "A"]), max_size=4).map("".join))
def test_every_master_key_that_is_accepted_opens_what_it_sealed(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    try:
        keys = read(tmp_path_factory.getbasetemp(), PETITION_MASTER_KEY=text).master_keys
    except ConfigIncomplete:
        return
    if keys:
        vault = Vault(keys)
        assert vault.unseal(vault.seal(b"secret")) == b"secret"


@pytest.mark.parametrize(
    "url",
    ["https://a b.org", 'https://a"b.org', "https://<b>.org", "https://user@b.org", "https://b.org:0", "https://b.org:70000",
     "https://b.org?x", "https://b.org#x", "https://:80", "ftp://b.org", "b.org", "https://b.org\\c"],
)  # fmt: skip
def test_an_address_of_the_site_that_no_link_could_carry_is_refused(folder: Path, url: str) -> None:
    assert refusal(folder, "PETITION_BASE_URL", url) == (
        f"PETITION_BASE_URL is {url!r}; it must be like https://letters.example.org."
    )


@pytest.mark.parametrize(
    "url", ["http://b.org:8080", "https://[2001:db8::1]:8443", "http://localhost", "https://b.org/"]
)
def test_an_address_of_the_site_is_kept_without_its_last_slash(folder: Path, url: str) -> None:
    assert read(folder, PETITION_BASE_URL=url).base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("PETITION_PORT", (1, 65_535)),
        ("PETITION_MAIL_RATE", (0, 100_000)),
        ("PETITION_TRUSTED_PROXIES", (0, 9)),
        ("PETITION_NOW_OFFSET", (-315_360_000, 315_360_000)),
    ],
)
def test_a_number_is_accepted_up_to_its_limits_and_not_beyond(folder: Path, name: str, limits: tuple[int, int]) -> None:
    for number in limits:
        read(folder, **{name: str(number)})
    for number in (limits[0] - 1, limits[1] + 1):
        assert refusal(folder, name, str(number)).startswith(f"{name} is '{number}'; it must be a whole number from ")


@pytest.mark.parametrize("text", ["١٢", "1_000", " 80", "80 ", "8e3", "0x50", "80.0", "9" * 11, "²"])
def test_a_number_has_ascii_digits_only(folder: Path, text: str) -> None:
    assert refusal(folder, "PETITION_PORT", text).startswith(f"PETITION_PORT is {text!r};")


def test_an_empty_setting_has_its_default(folder: Path) -> None:
    names = ("PETITION_PORT", "PETITION_HOST", "PETITION_MAIL_RATE", "PETITION_ONION", "PETITION_FAILPOINT", "SMTP_URL")
    assert read(folder, **dict.fromkeys(names, "")) == read(folder)


@pytest.mark.parametrize("host", ["a host", "host/", "http://host", "host:", "a..z", "h\n", "[::1]"])
def test_a_host_that_is_no_address_is_refused(folder: Path, host: str) -> None:
    assert refusal(folder, "PETITION_HOST", host).startswith("PETITION_HOST is ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1", "localhost", "web-1.internal"])
def test_a_host_is_a_name_or_an_address_of_either_family(folder: Path, host: str) -> None:
    assert read(folder, PETITION_HOST=host).host == host


def test_all_problems_are_reported_at_once_and_each_once(folder: Path) -> None:
    with pytest.raises(ConfigIncomplete) as refused:
        read(folder, PETITION_PORT="x", PETITION_MAIL_RATE="x", PETITION_HOST="a b", DATABASE_URL="x", REDIS_URL="x")
    words = [sentence.split()[0] for sentence in refused.value.problems]
    assert sorted(words) == ["DATABASE_URL", "PETITION_HOST", "PETITION_MAIL_RATE", "PETITION_PORT", "REDIS_URL"]
    assert str(refused.value).splitlines() == list(refused.value.problems)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=40))
def test_no_text_as_address_of_a_server_raises_anything_but_its_sentence(text: str) -> None:
    for parse in (addresses.sqlalchemy_url, addresses.redis_py_url):
        refused = ""
        try:
            parse(text)
        except ValueError as error:
            refused = str(error)
        assert refused.split(" ")[0] in {"", "DATABASE_URL", "REDIS_URL"}


@pytest.mark.parametrize("name", ["sign at:it", "a?b#c", "ü mlaut", "100%"])
def test_a_home_with_odd_characters_is_found_again_in_the_addresses_of_its_servers(name: str) -> None:
    home = Path("/srv") / name
    database, redis = addresses.service_urls(home, {})
    assert addresses.sqlalchemy_url(database) == database
    assert addresses.redis_py_url(redis).partition("?")[0] == redis.partition("?")[0]
    assert "#" not in database
    assert redis.endswith("/run/valkey.sock?db=0")


def test_broker_addresses_keep_what_they_say_about_certificates() -> None:
    assert addresses.broker_url("rediss://c/0?ssl_cert_reqs=none") == "rediss://c/0?ssl_cert_reqs=none"
    assert addresses.broker_url("rediss://c/0?timeout=3") == "rediss://c/0?timeout=3&ssl_cert_reqs=required"


def test_the_home_and_the_pepper_are_where_the_environment_says_or_have_a_default(tmp_path: Path) -> None:
    assert settings.home({"PETITION_HOME": str(tmp_path / "x")}) == tmp_path / "x"
    assert settings.home({"PETITION_HOME": "~/x"}) == Path.home() / "x"
    assert settings.pepper_file(tmp_path, {"PETITION_PEPPER_FILE": "/p"}) == Path("/p")
    assert settings.pepper_file(tmp_path, {}) == tmp_path / "secrets" / "pepper"
    assert (settings.pg_bin({"PETITION_PG_BIN": ""}), settings.pg_bin({"PETITION_PG_BIN": "/pg"})) == (None, "/pg")


def test_a_secret_that_exists_is_never_replaced(tmp_path: Path) -> None:
    assert kept_secret(tmp_path / "s", b"first") == b"first"
    assert kept_secret(tmp_path / "s", b"second") == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize(
    "setting",
    ["corp.example", "corp.example::key.pem", ":s1:key.pem", "corp.example :s1:key.pem", "corp.example:s 1;b=:key.pem"],
)
def test_a_dkim_key_without_a_domain_or_a_selector_is_refused(setting: str) -> None:
    with pytest.raises(DkimKeyWrong, match=r"domain:selector:file"):
        dkim.read(setting)


def test_a_dkim_setting_without_a_readable_key_names_its_domain(tmp_path: Path) -> None:
    (empty := tmp_path / "empty.pem").touch()
    for file in (empty, tmp_path, tmp_path / "missing"):
        with pytest.raises(DkimKeyWrong, match=r"^The DKIM key of corp\.example must be a file"):
            dkim.read(f"corp.example:s1:{file}")
    assert dkim.read(" , ") == ()
