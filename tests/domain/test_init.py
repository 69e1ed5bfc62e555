"""`init`: what is asked and refused, what is written where, and what is left after a failure."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result

from petition.bootstrap import CannotStart, packages
from petition.cli import COMMANDS, cli
from petition.cli.init import account, files, keys, questions, servers
from petition.cli.init.questions import domain_of, with_scheme
from petition.config import Config, settings_file
from petition.config.addresses import MAINTENANCE_URL, OWNER_URL, PROJECT
from petition.mail import dkim

PASSWORD = "hunter-p%40ss"
RELAY = f"SMTP_URL=smtp://suzie:{PASSWORD}@mail.example.org:587?tls=required\n"
ANSWERS = ("--address", "letters.example.org", "--code-mail-from", "no-reply@accounts.example.net")
MINE = ("--user", "root") if os.geteuid() == 0 else ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "settings.env"


def init(file: Path, *words: str, typed: str = "", answers: str | None = RELAY) -> Result:
    """What `init` does with these words, in a folder of a test, and with these lines typed."""
    more = list[str]()
    if answers is not None:
        known = file.parent.parent / "answers"
        known.write_text(answers)
        known.chmod(0o600)
        more = ["--answers", str(known)]
    words = ("init", "--settings", str(file), "--home", str(file.parent.parent / "data"), *MINE, *words, *more)
    return CliRunner().invoke(cli, words, input=typed)


def done(file: Path, *words: str, **more: str | None) -> dict[str, str]:
    result = init(file, "--yes", "--servers", "wheel", *ANSWERS, *words, **more)
    assert result.exit_code == 0, result.output
    return settings_file.read(file)


def refused(file: Path, *words: str, **more: str | None) -> str:
    result = init(file, "--yes", *words, **more)
    assert result.exit_code == 2, result.output
    assert not file.exists()
    assert not (file.parent.parent / "data").exists()
    return result.output


def test_what_it_writes_is_a_whole_configuration_for_production(file: Path) -> None:
    config = Config.from_env(done(file))
    assert (config.env, config.base_url) == ("production", "https://letters.example.org")
    assert (config.mail_from, config.code_mail_from) == ("letters@letters.example.org", "no-reply@accounts.example.net")
    assert (len(config.pepper), len(config.master_keys), config.trusted_proxies) == (32, 1, 1)
    assert config.database_url.startswith("postgresql+psycopg://petition_application@/")
    assert f"{config.smtp_url}\n" == RELAY.removeprefix("SMTP_URL=")


def test_everything_is_for_its_owner_alone_and_no_secret_is_printed(file: Path) -> None:
    result = init(file, "--yes", "--servers", "wheel", *ANSWERS, "--dkim")
    assert result.exit_code == 0, result.output
    there = [path for path in file.parent.rglob("*") if path.is_file()]
    assert {path.name for path in there} == {
        "settings.env", "secret_key", "master_key", "pepper",
        "dkim-letters.example.org.pem", "dkim-accounts.example.net.pem",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in there} == {0o600}
    assert {(file.parent / name).stat().st_mode & 0o777 for name in (".", "../data")} == {0o700}
    hidden = [PASSWORD, *(path.read_text("latin-1").strip() for path in there if path.name != "settings.env")]
    hidden += [value for name, value in settings_file.read(file).items() if "PASSWORD" in name]
    assert [secret for secret in hidden if secret in result.output] == []
    assert base64.b64encode((file.parent / "pepper").read_bytes()).decode() not in result.output


def test_the_last_words_name_what_to_keep_and_what_comes_next(file: Path) -> None:
    result = init(file, "--yes", "--servers", "wheel", *ANSWERS)
    for place in (file, file.parent / "master_key", file.parent / "pepper"):
        assert str(place) in result.output
    for command in ("up", "organiser invite", *({"doctor"} & {*COMMANDS})):
        assert f" {command} --settings {file}" in result.output
    assert (f"{PROJECT}/deploy/undersigned.service" in result.output) == (os.geteuid() == 0)


def test_settings_are_not_overwritten_without_force_and_keys_never(file: Path) -> None:
    first = done(file)
    kept = {path.name: path.read_bytes() for path in file.parent.iterdir()}
    again = init(file, "--yes", *ANSWERS, "--port", "9000")
    assert (again.exit_code, again.output) == (
        2, f"{file} is there already: nothing was changed. Add --force to change what options say in it.\n",
    )  # fmt: skip
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == kept
    changed = init(file, "--yes", "--force", "--port", "9000", answers=None)
    assert changed.exit_code == 0, changed.output
    assert settings_file.read(file) == first | {"PETITION_PORT": "9000"}
    assert {path.name: path.read_bytes() for path in file.parent.iterdir() if path != file} == {
        name: content for name, content in kept.items() if name != file.name
    }


def test_everything_that_is_missing_is_said_at_once(file: Path) -> None:
    assert refused(file, answers=None) == "There is no answer for --address, --code-mail-from, --relay.\n"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--address", "ftp://letters.example.org", "PETITION_BASE_URL is"),
        ("--address", "http://letters.example.org", "PETITION_BASE_URL must begin with https:// in production."),
        ("--mail-from", "letters", "MAIL_FROM must be one mail address"),
        ("--mail-from", '"Letters" <a@b.org>', "MAIL_FROM holds a quote"),
        ("--code-mail-from", "a@b", "CODE_MAIL_FROM must be one mail address"),
        ("--relay", "smtp://mail.example.org?tls=perhaps", "SMTP_URL must look like"),
        ("--relay", "http://mail.example.org", "SMTP_URL must be like"),
        ("--security-contact", "suzie", "PETITION_SECURITY_CONTACT must be like"),
        ("--port", "70000", "PETITION_PORT is '70000'"),
        ("--redis", "http://x", "REDIS_URL must begin with"),
        ("--database", "mysql://x", "PETITION_OWNER_DATABASE_URL must begin with postgresql://"),
    ],
)
def test_a_wrong_answer_is_refused_as_a_start_would_refuse_it(
    file: Path, option: str, value: str, sentence: str
) -> None:
    known = dict(zip(ANSWERS[::2], ANSWERS[1::2], strict=True)) | {"--servers": "wheel", option: value}
    if option in {"--redis", "--database"}:
        known |= {"--servers": "given", "--redis": "redis://h", "--database": "postgresql://h/x", option: value}
    words = ["--untried", *(word for pair in known.items() for word in pair)]
    output = refused(file, *words, answers=None if option == "--relay" else RELAY)
    assert output.startswith(sentence)
    assert output.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value"),
    [("--relay", "smtp://suzie:pass@h:587"), ("--database", "postgresql://o:pass@h/x"), ("--redis", "redis://:pass@h")],
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(file: Path, option: str, value: str) -> None:
    output = refused(file, *ANSWERS, option, value, answers=None)
    assert "holds a password" in output
    assert "pass@" not in output


def test_a_file_of_answers_that_others_can_read_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "open").write_text(RELAY)
    (tmp_path / "open").chmod(0o644)
    assert "others than their owner" in refused(file, *ANSWERS, "--answers", str(tmp_path / "open"), answers=None)


def test_questions_are_asked_again_until_the_answer_is_good_and_passwords_without_echo(file: Path) -> None:
    typed = [
        "http://letters.example.org", "letters.example.org", "", "codes@letters.example.org", "mail.example.org", "suzie",
        "p@ss $#'word", "some one", "suzie@example.org", "tiny", "small", "wheel", "", "n",
    ]  # fmt: skip
    result = CliRunner().invoke(
        cli, ["init", "--settings", str(file), *MINE, "--home", str(file.parent / "data")],
        input="\n".join([*typed[:-2], *typed[-1:]]) + "\n",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for said in (
        "PETITION_BASE_URL must begin with https:// in production.",
        "PETITION_SECURITY_CONTACT must be like",
        "Both senders are at the same domain.",
        "The programs of the wheels are young",
    ):
        assert result.output.count(said) == 1
    assert "p@ss" not in result.output
    config = Config.from_env(settings_file.read(file))
    assert config.security_contacts == ("mailto:suzie@example.org",)
    assert config.size == "small"
    assert config.smtp_url == "smtp://suzie:p%40ss%20%24%23%27word@mail.example.org:587?tls=required"
    assert config.mail_from == "letters@letters.example.org"


def test_the_end_of_the_answers_leaves_nothing(file: Path) -> None:
    result = CliRunner().invoke(cli, ["init", "--settings", str(file), *MINE], input="letters.example.org\n")
    assert (result.exit_code, file.parent.exists()) == (130, False)
    assert result.output.endswith("Nothing was written.\n")


def test_given_servers_get_three_roles_with_passwords_of_their_own(file: Path) -> None:
    answers = (
        RELAY
        + f"{OWNER_URL}=postgresql://owner:first@db.example.org:5432/letters?sslmode=require\nREDIS_URL=redis://:second@h\n"
    )
    result = init(file, "--yes", "--servers", "given", "--untried", *ANSWERS, answers=answers)
    assert result.exit_code == 0, result.output
    found = settings_file.read(file)
    for name, role in servers.ROLES.items():
        pattern = rf"postgresql://{role}:[0-9a-f]{{48}}@db\.example\.org:5432/letters\?sslmode=require"
        assert re.fullmatch(pattern, found[name])
    assert len({found[name] for name in (OWNER_URL, "DATABASE_URL", MAINTENANCE_URL)}) == 3
    Config.from_env(found)


def test_one_role_is_written_as_it_was_given(file: Path) -> None:
    answers = RELAY + "DATABASE_URL=postgresql://one:first@h/x\nREDIS_URL=redis://h\n"
    result = init(file, "--yes", "--untried", *ANSWERS, answers=answers)
    assert result.exit_code == 0, result.output
    found = settings_file.read(file)
    assert (found["PETITION_SERVERS"], found["DATABASE_URL"]) == ("given", "postgresql://one:first@h/x")
    assert OWNER_URL not in found


def test_own_servers_and_given_ones_exclude_each_other(file: Path) -> None:
    output = refused(file, "--servers", "wheel", *ANSWERS, answers=RELAY + "DATABASE_URL=postgresql://h/x\n")
    assert output.splitlines()[-1] == (
        "DATABASE_URL is set, but PETITION_SERVERS says that this installation runs its own servers: unset one."
    )


def test_the_size_is_that_of_the_option_and_else_fits_the_machine(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "memory", lambda: 1_000_000_000)
    assert done(file)["PETITION_SIZE"] == "small"
    file.unlink()
    assert done(file, "--size", "normal")["PETITION_SIZE"] == "normal"
    file.unlink()
    monkeypatch.setattr(questions, "memory", lambda: 4_000_000_000)
    assert done(file)["PETITION_SIZE"] == "normal"


def test_the_pepper_has_its_own_place(file: Path, tmp_path: Path) -> None:
    found = done(file, "--pepper", str(tmp_path / "elsewhere" / "pepper"))
    assert found["PETITION_PEPPER_FILE"] == str(tmp_path / "elsewhere" / "pepper")
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o700
    assert not (file.parent / "pepper").exists()


def test_keys_without_settings_are_those_of_an_init_that_was_cut_off_and_are_used(file: Path) -> None:
    file.parent.mkdir()
    (file.parent / "pepper").write_bytes(bytes(range(40)))
    assert Config.from_env(done(file)).pepper == bytes(range(40))


@pytest.mark.parametrize("name", ["pepper", "master_key"])
def test_a_key_that_no_start_would_accept_is_refused_and_nothing_is_left(file: Path, name: str) -> None:
    file.parent.mkdir()
    (file.parent / name).write_bytes(b"short")
    result = init(file, "--yes", "--servers", "wheel", *ANSWERS)
    assert result.exit_code == 2
    assert [path.name for path in file.parent.iterdir()] == [name]
    assert not (file.parent.parent / "data").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    result = init(tmp_path / "taken" / "settings.env", "--yes", "--servers", "wheel", *ANSWERS, answers=None)
    assert result.exit_code == 2
    assert result.output.count("\n") <= 2


def test_a_failure_at_the_last_step_removes_what_was_made(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr("petition.cli.init.making._text", full)
    result = init(file, "--yes", "--servers", "wheel", *ANSWERS, "--dkim")
    assert (result.exit_code, result.output.splitlines()[-1]) == (
        2, f"{file} cannot be written: No space left on device. Nothing was changed.",
    )  # fmt: skip
    assert [path.name for path in file.parent.parent.iterdir()] == ["answers"]


STOPPED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell makes what it starts in the background deaf to it
from petition.cli.init import making
from petition.cli import COMMANDS, cli
before = making._text
def late(settings):
    print("now", flush=True); time.sleep(60); return before(settings)
making._text = late
cli(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_signal_in_the_middle_leaves_no_settings_and_the_next_init_is_whole(file: Path, number: int) -> None:
    """Only after SIGKILL keys are left. Nothing uses them yet, and the next init continues with them."""
    home = file.parent.parent / "data"
    words = [*MINE, "--yes", "--servers", "wheel", *ANSWERS, "--relay", "mail.example.org", "--home", str(home)]
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, "init", "--settings", str(file), *words],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    process.send_signal(number)
    process.wait(120)
    process.stdout.close()
    assert not file.exists()
    left = {path.name for path in file.parent.iterdir()} if file.parent.exists() else set()
    assert left == ({"secret_key", "master_key", "pepper"} if number == signal.SIGKILL else set())
    if number == signal.SIGKILL:
        before = (file.parent / "pepper").read_bytes()
        assert Config.from_env(done(file)).pepper == before
    else:
        assert process.returncode == 130
        assert not home.exists()


def test_two_at_once_write_one_settings_file(file: Path) -> None:
    words = [
        *MINE,
        "--yes",
        "--servers",
        "wheel",
        *ANSWERS,
        "--relay",
        "h.example",
        "--home",
        str(file.parent.parent / "data"),
    ]
    argv = [sys.executable, "-m", "petition.cli", "init", "--settings", str(file), *words]
    both = [subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert sorted(process.wait(120) for process in both) == [0, 2]
    Config.from_env(settings_file.read(file))


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("mail.example.org", "smtp://mail.example.org:587?tls=required"),
        (" mail.example.org:25 ", "smtp://mail.example.org:25?tls=required"),
        ("mail.example.org:465", "smtps://mail.example.org:465"),
        ("localhost", "smtp://localhost:25?tls=none"),
        ("127.0.0.1:1025", "smtp://127.0.0.1:1025?tls=none"),
        ("smtp://h:2525?tls=offered", "smtp://h:2525?tls=offered"),
        ("", ""),
    ],
)
def test_a_mail_server_is_named_as_people_do(typed: str, url: str) -> None:
    assert servers.relay_url(typed) == url


def test_addresses_and_senders_as_people_type_them() -> None:
    assert (with_scheme(" letters.example.org "), with_scheme("http://x"), with_scheme("")) == (
        "https://letters.example.org", "http://x", "",
    )  # fmt: skip
    assert [domain_of(text) for text in ("a@B.org", "Letters <a@b.org>", "Letters <a@b.org> ")] == ["b.org"] * 3
    url = servers.with_login("redis://h:6379/0", "", "p/w@")
    assert (url, servers.with_login("redis://h", "", "")) == ("redis://:p%2Fw%40@h:6379/0", "redis://h")
    assert servers.with_login("postgresql:///x?host=/run", "a", "b") == "postgresql://a:b@/x?host=/run"


def test_a_dkim_record_is_the_public_half_of_the_key_that_signs(file: Path) -> None:
    result = init(file, "--yes", "--servers", "wheel", *ANSWERS, "--dkim")
    signers = dkim.read(settings_file.read(file)["PETITION_DKIM"])
    assert [signer.domain for signer in signers] == ["letters.example.org", "accounts.example.net"]
    for signer in signers:
        (line,) = re.findall(rf"{signer.selector}\._domainkey\.{signer.domain}\. IN TXT (.+)", result.output)
        strings = re.findall(r'"([^"]*)"', line)
        assert all(len(each) <= 255 for each in strings)
        public = signer.key.public_key().public_bytes(keys.Encoding.DER, keys.PublicFormat.SubjectPublicKeyInfo)
        assert "".join(strings) == f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    assert len({signer.key.public_key().public_numbers() for signer in signers}) == 2  # type: ignore[union-attr]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can do this")
def test_only_root_sets_up_for_another_user(file: Path) -> None:
    assert refused(file, *ANSWERS, "--user", "suzie") == "Only root can set up an installation for another user.\n"


ROOTS = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
NOBODY = 65534


def as_nobody(file: Path, *words: str) -> Result:
    """What `init` of root does for another user; the programs of these tests are often root's alone."""
    return CliRunner().invoke(cli, ["init", "--settings", str(file), "--user", "nobody", "--yes", *words])


def first_words(file: Path) -> list[str]:
    return ["--servers", "wheel", *ANSWERS, "--relay", "h.example", "--home", str(file.parent.parent / "data")]


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in [folder, *folder.rglob("*")]}


@pytest.fixture
def everybodys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for settings in a folder that every user can enter, and a program that every user can read."""
    monkeypatch.setattr(account, "require_readable", lambda _: None)
    with TemporaryDirectory(prefix="u-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "etc" / "settings.env"


@ROOTS
def test_as_root_everything_belongs_to_the_user_that_it_runs_as(everybodys: Path) -> None:
    result = as_nobody(everybodys, *first_words(everybodys))
    assert result.exit_code == 0, result.output
    assert owners(everybodys.parent) | owners(everybodys.parent.parent / "data") == {NOBODY}
    changed = as_nobody(everybodys, "--force", "--port", "9000")
    assert changed.exit_code == 0, changed.output
    assert owners(everybodys.parent) == {NOBODY}


@ROOTS
def test_settings_and_keys_that_root_copied_from_another_machine_are_put_to_use(everybodys: Path) -> None:
    """A restore on another machine begins like this: copy the kept folder, then `init --force`."""
    folder, home = everybodys.parent, everybodys.parent.parent / "data"
    assert as_nobody(everybodys, *first_words(everybodys)).exit_code == 0
    home.rmdir()
    for path in (folder, *folder.iterdir()):
        os.chown(path, 0, 0)
    keys_before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = as_nobody(everybodys, "--force")
    assert result.exit_code == 0, result.output
    assert owners(folder) | owners(home) == {NOBODY}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == keys_before


@ROOTS
def test_a_data_folder_in_which_root_put_files_is_handed_over_and_one_with_folders_is_not(everybodys: Path) -> None:
    home = everybodys.parent.parent / "data"
    home.mkdir()
    (home / "letters.backup").write_text("kept")
    (home / "inner").mkdir()
    result = as_nobody(everybodys, *first_words(everybodys))
    assert result.output.splitlines()[-1].startswith(f"{home} belongs to root: give it")
    assert (result.exit_code, owners(home), everybodys.parent.exists()) == (2, {0}, False)
    (home / "inner").rmdir()
    result = as_nobody(everybodys, *first_words(everybodys))
    assert (result.exit_code, owners(home)) == (0, {NOBODY}), result.output


@ROOTS
def test_what_settings_of_another_user_name_is_not_given_away(everybodys: Path) -> None:
    """Whoever takes over the program can write its settings; the next `init --force` of root must not hand over more."""
    assert as_nobody(everybodys, *first_words(everybodys)).exit_code == 0
    precious = everybodys.parent.parent / "shadow"
    precious.write_bytes(bytes(range(64)))
    precious.chmod(0o600)
    hidden = everybodys.parent.parent / "hidden"
    hidden.mkdir(mode=0o700)
    text = re.sub("PETITION_PEPPER_FILE=.*", f"PETITION_PEPPER_FILE={precious}", everybodys.read_text())
    everybodys.write_text(re.sub("PETITION_HOME=.*", f"PETITION_HOME={hidden}", text))
    result = as_nobody(everybodys, "--force", "--port", "9000")
    assert (precious.stat().st_uid, hidden.stat().st_uid) == (0, 0)
    assert (result.exit_code, "belongs to root" in result.output) == (2, True)


@ROOTS
def test_a_place_that_the_user_cannot_reach_is_refused(everybodys: Path) -> None:
    inner = everybodys.parent.parent / "private" / "etc" / "settings.env"
    inner.parent.parent.mkdir(mode=0o700)
    result = as_nobody(inner, *first_words(everybodys))
    assert result.output.splitlines()[-1] == f"The user 'nobody' cannot reach {inner.parent}: name another place."
    assert list(inner.parent.parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_a_program_that_only_root_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(account, "PROJECT", tmp_path)
    with pytest.raises(CannotStart, match="Only root can read this program"):
        account.require_readable("nobody")
    account.require_readable("root")
    account.require_readable(None)


def test_an_owner_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CannotStart, match="There is no user 'mallory-of-nowhere'"):
        account.owner("mallory-of-nowhere")
    assert account.owner(None) == files.Owner()


def test_missing_packages_are_named_and_never_an_unsupported_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.programs, "system_postgres", list)
    monkeypatch.setattr(packages.programs, "system_stores", list)
    for listed, wanted in (
        ({"postgresql": 15, "redis-server": 7}, ["postgresql", "redis-server"]),
        ({"postgresql": 17, "redis-server": 8, "valkey-server": 8}, ["postgresql", "valkey-server"]),
    ):
        monkeypatch.setattr(packages, "_candidate", lambda name, listed=listed: listed.get(name, 0))
        assert packages.missing() == wanted
    for listed, sentence in (
        ({"postgresql": 14}, "no package of PostgreSQL"),
        ({"postgresql": 17}, "no package of Valkey"),
    ):
        monkeypatch.setattr(packages, "_candidate", lambda name, listed=listed: listed.get(name, 0))
        with pytest.raises(CannotStart, match=sentence):
            packages.missing()


def test_without_rights_the_command_that_installs_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda: ["postgresql"])
    monkeypatch.setattr(packages, "can_install", lambda: False)
    assert refused(file, "--servers", "system", *ANSWERS) == (
        "The programs of postgresql are missing: run `apt-get install postgresql` as root, and try again.\n"
    )


def test_nothing_starts_while_packages_are_installed_and_nothing_is_left_of_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, cluster, seen = tmp_path / "sbin" / "policy-rc.d", tmp_path / "pg" / "d" / "u.conf", []
    monkeypatch.setattr(packages, "NO_START", start)
    monkeypatch.setattr(packages, "NO_CLUSTER", cluster)
    monkeypatch.setattr(packages, "_disable", lambda name: seen.append((name, start.exists(), cluster.exists())))
    monkeypatch.setattr(packages, "apt_install", lambda *names: seen.append((names, start.exists(), cluster.exists())))
    packages.install(["postgresql", "redis-server"])
    assert seen == [
        (("postgresql-common",), True, False),
        (("postgresql", "redis-server"), True, True),
        ("redis-server", False, False),
    ]
    assert list(tmp_path.iterdir()) == []
    start.parent.mkdir()
    start.write_text("mine")
    packages.install(["redis-server"])
    assert start.read_text() == "mine"
