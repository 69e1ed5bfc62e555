"""compose.yaml as containers: images made on this machine, then started, killed and scaled with podman-compose.

The images that the project names come from a registry. Here their base is made from Debian's packages, so that nothing is pulled;
`PETITION_PROOF_BASE` names another image that has Python, PostgreSQL and Redis.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import pytest

from petition.config.addresses import PROJECT
from tests.support.foreign_client import Answer
from tests.support.served import free_port
from tests.support.waiting import until

FOLDER: Final = Path(__file__).parent / "containers"
BASE: Final = os.environ.get("PETITION_PROOF_BASE", "localhost/undersigned-proof-base")
PACKAGES: Final = "python3,python3-venv,python3-pip,ca-certificates,postgresql,redis-server"
LIMITS: Final = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
CERTIFICATES: Final = Path("/etc/ssl/certs")
HOST: Final = "letters.example"
SETTINGS: Final = {
    "PETITION_BASE_URL": f"https://{HOST}",
    "MAIL_FROM": "letters@letters.example",
    "CODE_MAIL_FROM": "no-reply@accounts.example",
}
PASSWORDS: Final = (
    "POSTGRES_PASSWORD",
    "POSTGRES_APPLICATION_PASSWORD",
    "POSTGRES_MAINTENANCE_PASSWORD",
    "VALKEY_PASSWORD",
)
AUTHORITY: Final = "/data/caddy/pki/authorities/local/root.crt"
PROCESSES: Final = ("web", "worker-prompt", "worker-bulk", "beat")
"""The services of ours that run on."""


def missing() -> str:
    """Why no container can run here; empty if they can."""
    for program in ("podman", "debootstrap"):
        if shutil.which(program) is None and not (program == "debootstrap" and has_image(BASE)):
            return f"{program} is not installed"
    return ""


def run(*argv: str | Path, **more: Any) -> str:
    """What a command printed; AssertionError with its last words if it failed."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, f"{' '.join(map(str, argv[:6]))} …: {(done.stdout + done.stderr)[-1500:]}"
    return done.stdout


def has_image(name: str) -> bool:
    """Whether the engine has an image of that name."""
    return not subprocess.run(["podman", "image", "exists", name], capture_output=True, check=False).returncode


def make_base() -> None:
    """Debian with Python, PostgreSQL and Redis, as one image; it is kept for the next time."""
    if has_image(BASE):
        return
    suite = re.search(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    assert suite is not None, "debootstrap needs the name of a Debian release"
    with tempfile.TemporaryDirectory(prefix="u-base-") as folder:
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite[1], folder)
        run("chroot", folder, "python3", "-m", "venv", "/opt/python")
        path = "ENV PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as packed:
            run("podman", "import", "-c", path, "-", BASE, stdin=packed.stdout)


def build() -> None:
    """The image of the project by its own Dockerfile, and one of the servers."""
    make_base()
    # What a build installs comes from the registries over the machine's own network, with the certificates that it trusts.
    given = ["--network", "host", *LIMITS, "--build-arg", f"BASE={BASE}", "-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    run("podman", "build", *given, "-t", "localhost/undersigned-proof", PROJECT)
    run("podman", "build", *given, "-t", "localhost/undersigned-proof-servers", FOLDER)


@dataclass
class Composition:
    """A running compose.yaml in a folder of its own, under a name of its own."""

    name: str
    folder: Path
    port: int

    def compose(self, *words: str) -> str:
        """`podman-compose words…`, with the file of the project and what the proof changes in it."""
        program = Path(sys.executable).with_name("podman-compose")
        return run(
            program, "-p", self.name, "-f", "compose.yaml", "-f", "override.yaml", *words, cwd=self.folder, timeout=300
        )

    def start(self) -> None:
        """In the order of the file's dependencies; podman 4 does not wait for what is healthy."""
        self.compose("up", "-d", "--no-build", "postgres", "valkey", "mail")
        until("PostgreSQL", lambda: self.succeeds("postgres", "pg_isready", "-h", "127.0.0.1", "-U", "undersigned"))
        until("Valkey", lambda: self.succeeds("valkey", "valkey-cli", "ping"))
        self.compose("up", "--no-build", "--no-deps", "migrate")
        assert run("podman", "wait", f"{self.name}_migrate_1").strip() == "0"
        self.compose("up", "-d", "--no-build", "--no-deps", *PROCESSES, "proxy")
        until("the proxy's authority", lambda: self.succeeds("proxy", "test", "-s", AUTHORITY))
        until("the site", self.ready)

    def remove(self) -> None:
        """Take away every container, also those that an earlier scale left, with networks and volumes."""
        self.compose("--profile", "operator", "down", "-v", "-t", "5")
        label = f"label=io.podman.compose.project={self.name}"
        left = run("podman", "ps", "-a", "-q", "--filter", label).split()
        if left:
            run("podman", "rm", "-f", "-t", "1", *left)

    def succeeds(self, service: str, *argv: str) -> bool:
        """Whether a command succeeds in the first container of a service."""
        command = ["podman", "exec", f"{self.name}_{service}_1", *argv]
        return not subprocess.run(command, capture_output=True, check=False).returncode

    def sql(self, query: str) -> str:
        """What psql prints for a query of the database's owner, a row a line."""
        socket = ("-h", "/var/run/postgresql", "-U", "undersigned")
        return run("podman", "exec", f"{self.name}_postgres_1", "psql", *socket, "-A", "-t", "-c", query)

    def ready(self) -> bool:
        """Whether the site answers through the proxy, and says that its database and Redis do."""
        try:
            return self.call("/readyz").status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False

    @functools.cached_property
    def tls(self) -> ssl.SSLContext:
        """What trusts the proxy's own authority, which a real one has no need of."""
        authority = run("podman", "exec", f"{self.name}_proxy_1", "cat", AUTHORITY)
        return ssl.create_default_context(cadata=authority)

    def call(self, path: str, document: object | None = None) -> Answer:
        """Ask the site through its proxy. Raises OSError or HTTPException while nobody answers."""
        line = HTTPConnection(HOST, timeout=20)
        line.sock = self.tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 20), server_hostname=HOST)
        with contextlib.closing(line):
            data = None if document is None else json.dumps(document)
            line.request("GET" if data is None else "POST", path, data, {"Content-Type": "application/json"})
            got = line.getresponse()
            body = got.read()
            is_json = "json" in got.headers.get("Content-Type", "")
            return Answer(got.status, got.headers, json.loads(body) if is_json else body)

    def containers(self, service: str) -> list[str]:
        """The names of a service's running containers."""
        form = "{{.Names}}"
        names = run("podman", "ps", "--filter", f"name=^{self.name}_{service}_[0-9]+$", "--format", form).split()
        return sorted(names)

    def inspected(self, container: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        found: dict[str, Any] = json.loads(run("podman", "inspect", container))[0]
        return found

    def kill(self, container: str) -> None:
        """Kill -9 the first process of a container, as the kernel does when memory is short."""
        os.kill(self.inspected(container)["State"]["Pid"], signal.SIGKILL)

    def operator(self, *words: str) -> str:
        """A command of operators, in a container that goes away with it."""
        return self.compose("--profile", "operator", "run", "--rm", "--no-deps", "-T", "operator", *words)

    def codes(self, address: str) -> list[str]:
        """The codes in the mails to an address."""
        mails = [
            message_from_bytes(file.read_bytes(), policy=policy.default)
            for file in (self.folder / "mail" / "box" / "new").glob("*")
        ]
        texts = [mail.get_body(("plain",)).get_content() for mail in mails if mail["To"] == address]  # type: ignore[union-attr]
        return [found[1] for text in texts if (found := re.search(r"\b(\d{8})\b", text))]


def written(folder: Path, port: int) -> None:
    """The files that an operator writes before the first start (README), with secrets of their own."""
    for name in ("secrets", "mail", "letter"):
        (folder / name).mkdir()
    (folder / "mail").chmod(0o777)
    shutil.copy(PROJECT / "compose.yaml", folder)
    shutil.copy(FOLDER / "override.yaml", folder)
    shutil.copytree(PROJECT / "deploy", folder / "deploy")
    keys = {
        "secret_key": secrets.token_urlsafe(32).encode(),
        "master_key": urlsafe_b64encode(secrets.token_bytes(32)),
        "pepper": secrets.token_bytes(64),
    }
    for name, value in keys.items():
        (folder / "secrets" / name).write_bytes(value)
        (folder / "secrets" / name).chmod(0o644)  # a bind mount keeps modes: the user of the container must read it
    ports = {
        "PROXY_HTTP": f"127.0.0.1:{free_port()}",
        "PROXY_HTTPS": f"127.0.0.1:{port}",
        "CADDY_OPTIONS": "local_certs",
    }
    values = SETTINGS | ports | {name: secrets.token_urlsafe(24) for name in PASSWORDS}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))


@contextmanager
def composition() -> Iterator[Composition]:
    """Build, start, and take everything away again but the base."""
    reason = missing()
    if reason:
        pytest.skip(f"containers cannot run here: {reason}")
    build()
    with tempfile.TemporaryDirectory(prefix="u-compose-") as folder:
        running = Composition(f"u{secrets.token_hex(3)}", Path(folder), free_port())
        written(running.folder, running.port)
        try:
            running.start()
            yield running
        finally:
            running.remove()


def secrets_of(inspected: dict[str, Any]) -> set[str]:
    """The secrets that are mounted into a container."""
    places: Sequence[str] = [each["Destination"] for each in inspected["Mounts"]]
    return {Path(place).name for place in places if place.startswith("/run/secrets/")}
