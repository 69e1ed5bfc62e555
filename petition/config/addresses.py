"""Locations: the home folder, the sockets of the embedded servers, and one form for each address.

Every process of an installation finds the embedded servers without further settings, because their sockets follow from
the home folder alone. Addresses of other kinds of server are rejected.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

PROJECT = Path(__file__).resolve().parent.parent.parent
INSTALLED = (PROJECT / "__init__.py").exists()
"""Whether this is an installed wheel, whose whole program is inside the package `undersigned`, and not a checkout."""
PROGRAM = "undersigned" if INSTALLED else "python3 app.py"
"""What people type to run a command, for the sentences that name one."""
OWNER_ROLE, APPLICATION_ROLE, MAINTENANCE_ROLE = "petition", "petition_application", "petition_maintenance"
"""The roles of the embedded PostgreSQL. The first one is its superuser and has the tables."""
OWNER_URL, MAINTENANCE_URL = "PETITION_OWNER_DATABASE_URL", "PETITION_MAINTENANCE_DATABASE_URL"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_HOST_PORT = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:/?#@\[\]\\\s]+)(?::(?P<port>[0-9]{0,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
SOCKET_BYTES = 100  # a unix socket's path has at most 107 bytes (sun_path); its lock file's path is a little longer


def canonical_host(host: str, scheme: str) -> str:
    """Returns the one spelling of a host with its port, as in a Host header or a URL: two that are the same are equal.

    Letters are lower case, an internationalised name becomes A-labels (IDNA 2008), the final dot of an absolute name and
    the default port of the scheme are dropped. Returns an empty text if it is no host.
    """
    found = _HOST_PORT.fullmatch(host)
    if found is None:
        return ""
    name, port = found["name"].lower().removesuffix("."), found["port"] or ""
    if not name.isascii():
        name = _a_labels(name)
    if not name:
        return ""
    return name if port in {"", _DEFAULT_PORTS.get(scheme)} else f"{name}:{port}"


def _a_labels(name: str) -> str:
    # The library is imported here because this module is also read before the environment exists.
    import idna  # noqa: PLC0415

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def default_home(environ: Mapping[str, str]) -> Path:
    """Returns PETITION_HOME, or `.petition/` in the project, or the user's data folder if that is not writable.

    An installed program never keeps data beside its code, because an upgrade replaces that folder.
    """
    if given := environ.get("PETITION_HOME"):
        return Path(given).expanduser().absolute()
    data = user_folder(environ, "XDG_DATA_HOME", ".local/share") / "undersigned"
    if INSTALLED:
        return data / "home"
    local = PROJECT / ".petition"
    if os.access(local if local.exists() else PROJECT, os.W_OK):
        return local
    return data / project_key()


def data_folder(root: bool) -> Path:
    """Returns where the data of an installation in production are, unless its operator says otherwise."""
    return (
        Path("/var/lib/undersigned")
        if root
        else user_folder(os.environ, "XDG_DATA_HOME", ".local/share") / "undersigned"
    )


def settings_path(root: bool) -> Path:
    """Returns where `init` writes the settings, unless its operator says otherwise."""
    folder = Path("/etc") if root else user_folder(os.environ, "XDG_CONFIG_HOME", ".config")
    return folder / "undersigned" / "settings.env"


def user_folder(environ: Mapping[str, str], name: str, below: str) -> Path:
    """Returns the folder of a variable of the XDG specification, or the usual one below the user's home.

    A user without a name in /etc/passwd has no home; containers call it `/`, which is then found not to be writable.
    """
    if given := environ.get(name):
        return Path(given)
    try:
        return Path.home() / below
    except RuntimeError:
        return Path("/") / below


def project_key() -> str:
    """Returns a short name that distinguishes this checkout from others of the same user."""
    return sha256(os.fsencode(PROJECT)).hexdigest()[:12]


def run_folder(home: Path) -> Path:
    """Returns the folder of the embedded servers' sockets: `home/run`, or a short path when that one is too long."""
    folder = home / "run"
    if len(os.fsencode(folder / "pg" / ".s.PGSQL.5432")) <= SOCKET_BYTES:
        return folder
    return Path(f"/tmp/undersigned-{os.geteuid()}-{sha256(os.fsencode(home)).hexdigest()[:12]}")  # noqa: S108 (its owner is checked)


def embedded_database_url(home: Path, role: str = APPLICATION_ROLE) -> str:
    """Returns the SQLAlchemy address of the PostgreSQL embedded in this home folder, for one of its roles."""
    return f"postgresql+psycopg://{role}@/petition?host={quote(str(run_folder(home) / 'pg'), safe='/')}"


def embedded_redis_url(home: Path) -> str:
    """Returns the redis-py address of the Valkey embedded in this home folder."""
    return f"unix://{quote(str(run_folder(home) / 'valkey.sock'))}?db=0"


def service_urls(home: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Returns the addresses of database and Redis: DATABASE_URL and REDIS_URL, or the embedded servers of `home`."""
    database, redis = environ.get("DATABASE_URL"), environ.get("REDIS_URL")
    return (
        sqlalchemy_url(database) if database else embedded_database_url(home),
        redis_py_url(redis) if redis else embedded_redis_url(home),
    )


def role_urls(home: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Returns the addresses of the database for its owner and for maintenance.

    Without DATABASE_URL these are roles of the embedded server. A role that is not given is that of DATABASE_URL.
    """
    embedded = not environ.get("DATABASE_URL")
    found = []
    for name, role in ((OWNER_URL, OWNER_ROLE), (MAINTENANCE_URL, MAINTENANCE_ROLE)):
        given = environ.get(name)
        if given and embedded:
            raise ValueError(f"{name} is set without DATABASE_URL")
        database = embedded_database_url(home, role) if embedded else environ["DATABASE_URL"]
        found.append(sqlalchemy_url(given, name) if given else sqlalchemy_url(database))
    return found[0], found[1]


def sqlalchemy_url(url: str, name: str = "DATABASE_URL") -> str:
    """Convert any usual PostgreSQL address for SQLAlchemy and psycopg. Raises ValueError for anything else."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"}:
        raise ValueError(f"{name} must begin with postgresql://")
    if not _is_well_formed(url):
        raise ValueError(f"{name} must be like postgresql://user@host:5432/name")
    return f"postgresql+psycopg://{rest}"


def redis_py_url(url: str) -> str:
    """Convert any usual form of a Redis or Valkey address for redis-py. Raises ValueError for anything else."""
    if not _is_well_formed(url):
        raise ValueError("REDIS_URL must be like redis://host:6379/0 or unix:///path")
    parts = urlsplit(url)
    if parts.scheme in {"unix", "redis+socket"} and parts.path.startswith("/"):
        return f"unix://{parts.netloc}{parts.path}?{_renamed(parts.query, 'virtual_host', 'db')}"
    tcp = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss"}.get(parts.scheme)
    if tcp is None or not parts.hostname:
        raise ValueError("REDIS_URL must begin with redis://, rediss:// or unix:///")
    return urlunsplit(parts._replace(scheme=tcp))


def _is_well_formed(url: str) -> bool:
    """Returns whether brackets match and any port is a number.

    It raises nothing, because errors would quote a password.
    """
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def broker_url(redis_url: str) -> str:
    """Convert a redis-py address to kombu's form. Over TLS it requires valid certificates, which kombu wants stated."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?{_renamed(parts.query, 'db', 'virtual_host')}"
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parts.query:
        return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, "ssl_cert_reqs=required"]))))
    return redis_url


def _renamed(query: str, old: str, new: str) -> str:
    return urlencode([(new if name == old else name, value) for name, value in parse_qsl(query)])
