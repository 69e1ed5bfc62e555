"""Reads the settings from an environment and reports every problem in a sentence, before anything starts.

The secrets of a development installation are generated here once, in files that only their owner can read.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from petition.config import OWN_SERVERS, Config, ConfigIncomplete, Environment, Process, Servers, Size, addresses
from petition.config.secret_files import is_sample, kept_secret

PORTS = (1, 65535)
SECRET_LENGTH = 32  # characters of the secret key; bytes of a master key and of the pepper
DAY = 86400
ONION = re.compile(r"https?://([a-z0-9-]+\.)*[a-z2-7]{56}\.onion")
# These are the addresses that `petition.mail` can send from, and the characters that it refuses in a header.
ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
UNSENDABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
NOT_IN_URLS = re.compile(r"[\s\"'<>\\^`{|}]")
CONTACT = re.compile(r"mailto:[!-~]+@[!-~]+|https://[!-~]+|tel:\+[0-9-]+")
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f:.]+")
Choice = TypeVar("Choice", bound=StrEnum)

SERVER_URLS = ("DATABASE_URL", "REDIS_URL")
IN_FILES = ("PETITION_SECRET_KEY", "PETITION_MASTER_KEY", "PETITION_HOOK_KEY", "PETITION_METRICS_TOKEN")
"""Secrets that may stand in a file: its path is the setting of that name with `_FILE` behind it."""
KEYS = frozenset({"PETITION_SECRET_KEY", "PETITION_MASTER_KEY", "PETITION_PEPPER_FILE"})
NOT_NEEDED: Mapping[Process, frozenset[str]] = {
    Process.WEB: frozenset({"SMTP_URL"}),
    # It signs no link and knows no subscriber. The master key opens the addresses that codes go to, and seals ledgers.
    Process.PROMPT: frozenset({"PETITION_SECRET_KEY", "PETITION_PEPPER_FILE"}),
    # It only puts messages into the queue.
    Process.BEAT: KEYS | {"SMTP_URL", "DATABASE_URL"},
    Process.MIGRATE: KEYS | {"SMTP_URL"},
}
"""The required secrets that a process works without."""


class Reader:
    """Reads one environment and collects a sentence for each problem instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.environ = self.with_files(environ)
        self.process = self.kind_of_process()
        self.env = self.one_of("PETITION_ENV", Environment.PRODUCTION)
        self.live = self.env is Environment.PRODUCTION
        self.home = addresses.default_home(environ)

    def config(self) -> Config:
        port = self.number("PETITION_PORT", 8000, PORTS)
        host = self.host()
        database_url, redis_url = self.servers()
        owner_url, maintenance_url = self.roles()
        config = Config(
            env=self.env,
            home=self.home,
            host=host,
            port=port,
            base_url=self.base_url(port),
            database_url=database_url,
            owner_database_url=owner_url,
            maintenance_database_url=maintenance_url,
            redis_url=redis_url,
            smtp_url=self.smtp_url(),
            mail_from=self.sender("MAIL_FROM", "Undersigned <letters@undersigned.example>"),
            code_mail_from=self.sender("CODE_MAIL_FROM", "no-reply@accounts.example"),
            secret_keys=self.secret_keys(),
            master_keys=self.master_keys(),
            pepper=self.pepper(),
            dkim=self.environ.get("PETITION_DKIM", ""),
            mail_rate=float(self.number("PETITION_MAIL_RATE", 20, (0, 100_000))),
            hook_key=self.hook_key(),
            metrics_token=self.metrics_token(),
            metrics_port=self.metrics_port(port),
            onion=self.onion(),
            security_contacts=self.security_contacts(),
            size=self.one_of("PETITION_SIZE", Size.NORMAL),
            process=self.process,
            trusted_proxies=self.number("PETITION_TRUSTED_PROXIES", 0, (0, 9)),
            now_offset=self.number("PETITION_NOW_OFFSET", 0, (-3650 * DAY, 3650 * DAY)),
            failpoint=self.environ.get("PETITION_FAILPOINT") or None,
        )
        self.refuse_test_switches()
        if self.problems:
            raise ConfigIncomplete(list(dict.fromkeys(self.problems)))
        return config

    def one_of(self, setting: str, default: Choice) -> Choice:
        kind, name = type(default), self.environ.get(setting) or default.value
        if name in list(kind):
            return kind(name)
        *others, last = (each.value for each in kind)
        self.problems.append(f"{setting} is {name!r}; it must be {', '.join(others)} or {last}.")
        return default

    def with_files(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Returns the environment with the content of the files that hold secrets."""
        found = dict(environ)
        for name in IN_FILES:
            path = environ.get(f"{name}_FILE")
            if not path:
                continue
            if environ.get(name):
                self.problems.append(f"{name} and {name}_FILE are both set; unset one.")
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is no text"
                self.problems.append(f"{name}_FILE cannot be read: {reason}.")
        return found

    def kind_of_process(self) -> Process:
        name = self.environ.get("PETITION_PROCESS", "")
        if name in list(Process):
            return Process(name)
        self.problems.append(f"PETITION_PROCESS is {name!r}; the commands set it, and nobody else has to.")
        return Process.ANY

    def required(self, name: str) -> str:
        value = self.environ.get(name, "")
        if not value and self.live and name not in NOT_NEEDED.get(self.process, ()):
            self.problems.append(f"{name} is missing.")
        return value

    def number(self, name: str, default: int, limits: tuple[int, int]) -> int:
        text = self.environ.get(name) or str(default)
        if re.fullmatch(r"[+-]?[0-9]{1,10}", text) and limits[0] <= int(text) <= limits[1]:
            return int(text)
        self.problems.append(f"{name} is {text!r}; it must be a whole number from {limits[0]} to {limits[1]}.")
        return default

    def host(self) -> str:
        host = self.environ.get("PETITION_HOST") or addresses.LOCAL_HOSTS[1]
        if not HOST.fullmatch(host):
            self.problems.append(f"PETITION_HOST is {host!r}; it must be an address of this machine.")
        return host

    def base_url(self, port: int) -> str:
        url = self.required("PETITION_BASE_URL").rstrip("/") or f"http://localhost:{port}"
        try:
            parts = urlsplit(url)
            whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
            whole = whole and NOT_IN_URLS.search(url) is None
        except ValueError:
            whole = False
        if not whole or url != f"{parts.scheme}://{parts.netloc}" or parts.username is not None:
            self.problems.append(f"PETITION_BASE_URL is {url!r}; it must be like https://letters.example.org.")
        elif self.live and parts.scheme != "https" and parts.hostname not in addresses.LOCAL_HOSTS:
            self.problems.append("PETITION_BASE_URL must begin with https:// in production.")
        host = addresses.canonical_host(parts.netloc, parts.scheme) if whole else ""
        return f"{parts.scheme}://{host}" if host else url

    def origin(self) -> Servers:
        name = self.environ.get("PETITION_SERVERS", "")
        if name in list(Servers):
            return Servers(name)
        self.problems.append(f"PETITION_SERVERS is {name!r}; it must be given, system or wheel.")
        return Servers.DEFAULT

    def servers(self) -> tuple[str, str]:
        own = dict(zip(SERVER_URLS, addresses.service_urls(self.home, {}), strict=True))
        if self.origin() in OWN_SERVERS:
            self.problems.extend(
                f"{name} is set, but PETITION_SERVERS says that this installation runs its own servers: unset one."
                for name in SERVER_URLS
                if self.environ.get(name) not in {None, "", own[name]}
            )
        else:
            for name in SERVER_URLS:
                self.required(name)
        urls = []
        for place, name in enumerate(SERVER_URLS):
            try:
                urls.append(addresses.service_urls(self.home, {name: self.environ.get(name, "")})[place])
            except ValueError as error:
                self.problems.append(f"{error}.")
                urls.append("")
        return urls[0], urls[1]

    def roles(self) -> tuple[str, str]:
        """Returns the addresses of the database for its owner and for maintenance."""
        environ = {
            name: self.environ.get(name, "")
            for name in ("DATABASE_URL", addresses.OWNER_URL, addresses.MAINTENANCE_URL)
        }
        try:
            return addresses.role_urls(self.home, environ)
        except ValueError as error:
            self.problems.append(f"{error}.")
            return "", ""

    def smtp_url(self) -> str | None:
        url = self.required("SMTP_URL")
        if not url:
            return None
        try:
            parts = urlsplit(url)
            whole = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            self.problems.append("SMTP_URL must be like smtp://user:password@mail.example.org:587?tls=required.")
        return url

    def sender(self, name: str, default: str) -> str:
        value = self.required(name) or default
        if not _is_sender(value):
            self.problems.append(f"{name} must be one mail address, with a name before it or not.")
        return value

    def secret_keys(self) -> tuple[str, ...]:
        """Returns the secret keys. The first one signs; signatures of all of them are accepted."""
        text = self.required("PETITION_SECRET_KEY")
        keys = _listed(text)
        if not keys and not self.live:
            return (self.kept("secret_key", secrets.token_urlsafe(48).encode()).decode(),)
        if text and self.live and (not keys or any(len(key) < SECRET_LENGTH or is_sample(key) for key in keys)):
            self.problems.append("PETITION_SECRET_KEY is short or a sample; make one with `openssl rand -base64 48`.")
        return keys

    def hook_key(self) -> str:
        """Returns the key of POST /hooks/bounces. Without one, relays cannot report bounces."""
        key = self.environ.get("PETITION_HOOK_KEY", "")
        if key and self.live and (len(key) < SECRET_LENGTH or is_sample(key)):
            self.problems.append("PETITION_HOOK_KEY must be 32 random characters or more.")
        return key

    def metrics_token(self) -> str:
        """Returns the token with which a monitor reads GET /metrics. Without one, nobody can."""
        token = self.environ.get("PETITION_METRICS_TOKEN", "")
        if token and not TOKEN.fullmatch(token):
            self.problems.append("PETITION_METRICS_TOKEN may hold letters, digits and -._~+/= only.")
        elif token and self.live and (len(token) < SECRET_LENGTH or is_sample(token)):
            self.problems.append("PETITION_METRICS_TOKEN must be 32 random characters or more.")
        return token

    def metrics_port(self, port: int) -> int:
        """Returns the port of this machine's loopback that has the figures for monitors. 0: there is none."""
        found = self.number("PETITION_METRICS_PORT", 0, (0, PORTS[1]))
        if found == port:
            self.problems.append("PETITION_METRICS_PORT must not be PETITION_PORT, which is public.")
        return found

    def onion(self) -> str:
        """Returns the address of this site over Tor, which Tor Browser then offers. It is empty if there is none."""
        address = self.environ.get("PETITION_ONION", "").rstrip("/")
        if address and not ONION.fullmatch(address):
            self.problems.append(f"PETITION_ONION is {address!r}; it must be like http://<56 characters>.onion.")
        return address

    def security_contacts(self) -> tuple[str, ...]:
        """Returns where to report a security fault, as `/.well-known/security.txt` lists it. Without one there is none."""
        contacts = _listed(self.environ.get("PETITION_SECURITY_CONTACT", ""))
        if not all(CONTACT.fullmatch(each) for each in contacts):
            self.problems.append(
                "PETITION_SECURITY_CONTACT must be like mailto:security@example.org or https://example.org/security, "
                "or several of these with commas."
            )
        return contacts

    def master_keys(self) -> tuple[str, ...]:
        text = self.required("PETITION_MASTER_KEY")
        if not text and not self.live:
            text = self.kept("master_key", base64.urlsafe_b64encode(secrets.token_bytes(32))).decode()
        keys = _listed(text)
        raw = tuple(_decoded(key) for key in keys)
        if any(len(key) != SECRET_LENGTH for key in raw):
            self.problems.append("PETITION_MASTER_KEY must be 32 bytes in urlsafe base64, or several after commas.")
        elif self.live and (any(map(is_sample, keys)) or any(map(is_sample, raw))):
            self.problems.append("PETITION_MASTER_KEY is a sample; make one from 32 random bytes.")
        return keys

    def pepper(self) -> bytes:
        name = self.required("PETITION_PEPPER_FILE")
        if not name:
            return b"" if self.live else self.kept("pepper", secrets.token_bytes(SECRET_LENGTH))
        try:
            pepper = Path(name).read_bytes()
        except OSError as error:
            self.problems.append(f"PETITION_PEPPER_FILE cannot be read: {error.strerror}.")
            return b""
        if len(pepper) < SECRET_LENGTH or (self.live and is_sample(pepper)):
            self.problems.append("PETITION_PEPPER_FILE must hold at least 32 random bytes.")
        return pepper

    def kept(self, name: str, fresh: bytes) -> bytes:
        try:
            return kept_secret(self.home / "secrets" / name, fresh)
        except OSError as error:
            self.problems.append(f"The secrets cannot be kept in {self.home / 'secrets'}: {error.strerror}.")
            return fresh

    def refuse_test_switches(self) -> None:
        self.problems.extend(
            f"{name} is for tests and development only; unset it in production."
            for name in ("PETITION_NOW_OFFSET", "PETITION_FAILPOINT")
            if self.live and self.environ.get(name)
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _is_sender(value: str) -> bool:
    address = parseaddr(value)[1]
    whole = value == address or value.endswith(f" <{address}>")
    return whole and ADDRESS.fullmatch(address) is not None and UNSENDABLE.search(value) is None


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
