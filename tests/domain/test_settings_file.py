"""A settings file is read as systemd, compose and this program all read it, or it is refused in a sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petition.bootstrap import CannotStart, settings_option
from petition.config import addresses, settings_file
from petition.config.addresses import PROJECT
from petition.config.settings_file import SettingsFileWrong


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "settings.env"
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SettingsFileWrong) as refused:
        settings_file.read(path)
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


def test_lines_are_read_as_they_stand(tmp_path: Path) -> None:
    text = "# a comment\n\nMAIL_FROM=Lettre à tous <a@b.org>\nSMTP_URL=smtp://u:p%40=@h:25?tls=required\nEMPTY=\n"
    assert settings_file.read(written(tmp_path, text)) == {
        "MAIL_FROM": "Lettre à tous <a@b.org>",
        "SMTP_URL": "smtp://u:p%40=@h:25?tls=required",
        "EMPTY": "",
    }


@pytest.mark.parametrize(
    "value", ['"a"', "a'b", "a\\b", "$HOME", "a#b", "a #b", "`a`", " a", "a ", "a\tb", "a\rb", "\u2028"]
)
def test_a_value_that_the_readers_would_read_differently_is_neither_read_nor_written(
    tmp_path: Path, value: str
) -> None:
    path = written(tmp_path, f"ONE=1\nSECRET={value}\n")
    assert refusal(path) == f"Line 2 of {path}: SECRET {settings_file.problem_of(value)}."
    with pytest.raises(SettingsFileWrong, match=r"^SECRET "):
        settings_file.line("SECRET", value)


@pytest.mark.parametrize("text", ["export A=1", "A =1", "a=1", " A=1", "1A=1", "A", "A: 1", "Ä=1"])
def test_a_line_of_another_form_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    assert refusal(written(tmp_path, f"\n{text}\n")) == (
        f"Line 2 of {tmp_path}/settings.env must be empty, a comment or NAME=value."
    )


def systemd(text: str) -> str:
    """The value of `X=text` as EnvironmentFile= has it: systemd.exec(5), and the states of systemd's env-file.c."""
    value, escaped = "", False
    for character in text.strip(" \t"):
        if escaped:
            value, escaped = value + character, False
        elif character == "\\":
            escaped = True
        else:
            value += character
    quoted = value[:1] in {"'", '"'}
    return value.strip("'\"") if quoted else value


def compose(text: str) -> str:
    """The same as compose has it: an unquoted value ends at ` #`, and `$` begins a variable."""
    value = re.split(r"\s#", text.strip())[0].strip("'\"")
    return re.sub(r"\$\{?\w+\}?", "", value)


@given(st.text(alphabet=st.sampled_from(list("aZ0 =@:/?%&<>.,+-_~!*()[]{}|^;é\"'\\$#`\t")), max_size=12))
def test_whatever_is_accepted_reads_the_same_everywhere(value: str) -> None:
    if settings_file.problem_of(value):
        return
    assert systemd(value) == compose(value) == value
    assert settings_file.parse(settings_file.line("X", value), "x") == {"X": value}


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "A=1\nA=1\n")).endswith("A stands there twice.")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o610])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, "A=1\n", mode)
    assert refusal(path) == (
        f"The settings {path} hold passwords, and others than their owner may read them: run `chmod 600 {path}`."
    )


def test_what_is_no_private_text_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing").endswith("cannot be read: No such file or directory.")
    assert refusal(tmp_path).endswith("are not a file.")
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refusal(tmp_path / "pipe").endswith("are not a file.")
    (tmp_path / "bytes").write_bytes(b"A=\xff\n")
    (tmp_path / "bytes").chmod(0o600)
    assert refusal(tmp_path / "bytes").endswith("are not UTF-8 text.")
    assert "larger than" in refusal(written(tmp_path, "#" * (settings_file.LARGEST + 1)))


def test_the_file_wins_over_the_environment_and_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path, "DATABASE_URL=postgresql://of-the-file/x\n")
    environ = {"DATABASE_URL": "postgresql://of-a-shell/x", "OTHER": "1", settings_file.SETTINGS: str(path)}
    settings_file.apply(path, environ)
    assert environ == {"DATABASE_URL": "postgresql://of-the-file/x", "OTHER": "1", "PETITION_ENV": "production"}


def test_the_option_stands_anywhere_and_once() -> None:
    file = Path("f")
    for words in (["--settings", "f", "up"], ["up", "--settings", "f"], ["up", "--settings=f"]):
        assert settings_option.take(words) == (file, ["up"])
    assert settings_option.take(["backup", "write", "x"]) == (None, ["backup", "write", "x"])
    for words in (["up", "--settings"], ["up", "--settings="], ["--settings", "a", "up", "--settings", "b"]):
        with pytest.raises(CannotStart, match="takes one file"):
            settings_option.take(words)


def test_commands_of_their_own_get_their_arguments_unchanged() -> None:
    assert settings_option.enter(["test", "-k", "x", "--settings=y"]) == ["test", "-k", "x", "--settings=y"]
    assert settings_option.enter(["--settings", "y", "init", "--yes"]) == ["init", "--yes", "--settings", "y"]


def test_an_installed_program_finds_the_settings_that_init_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout does not, and neither does a program that a variable tells what to do."""
    path = written(tmp_path, "PETITION_HOME=/of-the-file\n")
    for name in [name for name in os.environ if name.startswith("PETITION_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(addresses, "settings_path", lambda _: path)
    settings_option.enter(["ledger", "verify"])
    assert "PETITION_HOME" not in os.environ
    monkeypatch.setattr(addresses, "INSTALLED", True)
    monkeypatch.setenv("PETITION_PORT", "9")
    settings_option.enter(["ledger", "verify"])
    assert "PETITION_HOME" not in os.environ
    monkeypatch.delenv("PETITION_PORT")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    settings_option.enter(["ledger", "verify"])
    assert (os.environ["PETITION_HOME"], os.environ["PETITION_ENV"]) == ("/of-the-file", "production")


def app(*words: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, env={**os.environ, **more}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_every_way_to_a_command_reads_the_settings_or_says_why_not(tmp_path: Path) -> None:
    path = written(tmp_path, f"PETITION_ENV=production\nPETITION_HOME={tmp_path}/home\n")
    for ways in (["app.py"], ["-m", "petition.cli"]):
        code, text = app(*ways, "ledger", "verify", "--settings", str(path))
        assert (code, "PETITION_SECRET_KEY is missing." in text) == (2, True)
        assert app(*ways, "ledger", "verify", PETITION_SETTINGS=str(path)) == (code, text)
        path.chmod(0o644)
        code, text = app(*ways, "organiser", "list", "--settings", str(path))
        assert (code, text.count("\n")) == (2, 1)
        assert "others than their owner may read them" in text
        path.chmod(0o600)
    assert not (tmp_path / "home").exists()


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that every user can enter."""
    with TemporaryDirectory(prefix="u-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def readable_python() -> str:
    """A Python that every user may run, or an empty text: that of a developer is often in a private folder."""
    return next((python for python in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(python).exists()), "")


@pytest.mark.parametrize("option", [True, False])
@pytest.mark.skipif(
    os.geteuid() != 0 or not readable_python(), reason="only root with a Python for everybody has another user"
)
def test_root_becomes_the_owner_of_the_settings_before_it_reads_them(everybodys: Path, *, option: bool) -> None:
    """Whether the option names them, or an installed program finds them where root's are, and no other user's."""
    path = written(everybodys, "PETITION_HOME=/nowhere\n")
    os.chown(path, 65534, 65534)
    script = (
        "import os, pathlib, sys; from petition.bootstrap import settings_option; from petition.config import addresses;"
        f"addresses.INSTALLED = True; addresses.settings_path = lambda root: pathlib.Path('{path}' if root else '/nothing');"
        "words = settings_option.enter(sys.argv[1:]);"
        "print(os.getresuid(), os.getresgid(), os.getgroups(), words, os.environ['PETITION_HOME'], os.environ['USER'])"
    )
    words = ["--settings", str(path)] if option else []
    done = subprocess.run(
        [readable_python(), "-c", script, "up", *words],
        cwd=PROJECT, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "install the program" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip(f"other users cannot read {PROJECT}")
    assert done.stdout.strip() == ("(65534, 65534, 65534) (65534, 65534, 65534) [65534] ['up'] /nowhere nobody"), (
        done.stderr
    )
