"""Letters of protocol version 1: what was public of each is written to the disk, then the letter is a draft again.

A ledger of version 1 cannot be continued: its formats differ, and so do its passes. Nothing is deleted before the record
of every such letter is on the disk and its own `verify.py` has recounted it. The statements here fit the tables of
revision 0013, whatever later ones look like; `version_1_verify.txt` is the program as it was published then.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, text

VERIFIER: Final = Path(__file__).with_name("version_1_verify.txt")
EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
LEDGERS: Final = text(
    "SELECT campaign.id, slug, campaign.origin, public_min, head.size, head.counted, head.root, head.checkpoint, head.public"
    " FROM campaign JOIN head ON head.campaign_id = campaign.id JOIN entry ON entry.campaign_id = campaign.id"
    " WHERE entry.index = 0 AND entry.line::json ->> 'v' = '1' ORDER BY slug COLLATE \"C\""
)
PORTIONS: Final = {"yield_per": 1000}
ENTRIES: Final = text(
    "SELECT line FROM entry WHERE campaign_id = :id AND index < :size ORDER BY index"
).execution_options(**PORTIONS)
BODIES: Final = text(
    "SELECT index, salt, show::text, name, role, team, comment FROM signature WHERE campaign_id = :id AND index < :size"
    " AND public AND show IN ('name', 'role') AND salt IS NOT NULL ORDER BY index"
).execution_options(**PORTIONS)
LETTERS: Final = text('SELECT lang, markdown FROM letter WHERE campaign_id = :id ORDER BY lang COLLATE "C"')
PAGE: Final = text("SELECT data FROM publication WHERE campaign_id = :id")
README: Final = """What was public of the letter {slug} in version 1 of the protocol.

bundle.zip  the whole ledger: every signature that counted, as anybody could download it
verify.py   the program of that time, which recounts it: python3 verify.py bundle.zip
            A signer proves a signature with the receipt: python3 verify.py bundle.zip --receipt receipt.json
page.json   what the page of the letter showed last: texts, updates, milestones, names
SHA256SUMS  the checksums of these files: sha256sum --check SHA256SUMS

The key of the ledger is {vkey}
The ledger ends here; no later version continues it. The letter is a draft again, and people have to sign it again.
The files hold only what was public. Names among them stay here until you delete this folder.
"""
FORGOTTEN: Final = (
    "entry", "tile", "head", "epoch", "signature", "pending", "spent", "withdrawal", "waiting_removal", "wave", "milestone",
    "publication", "owed", "handover", "answer", "verification.issuer", "verification.issued", "verification.tag",
)  # fmt: skip
"""Tables whose rows belong to a ledger, or to what came after its close."""
BACK_TO_DRAFT: Final = (
    "UPDATE campaign SET state = 'draft', opened = NULL, closed = NULL, opens_at = NULL, opening_approved = NULL,"
    " issuer = NULL, stale = false WHERE id = :id",
    "UPDATE letter SET sha256 = NULL WHERE campaign_id = :id",
    "DELETE FROM news WHERE campaign_id = :id AND kind IN ('milestone', 'closed', 'delivered', 'answered')",
    "DELETE FROM key_request WHERE campaign_id = :id AND state = 'waiting'",
    "UPDATE update_draft SET due = NULL, approved = false WHERE campaign_id = :id AND number IS NULL",
    "UPDATE delivery SET state = 'dropped' WHERE campaign_id = :id AND state = 'planned'"
    " AND kind IN (SELECT kind FROM edition)",
    "INSERT INTO journal (campaign_id, at, by, deed, about) VALUES (:id, now(), NULL, 'back_to_draft', '{}')",
)
TRIGGER: Final = "ALTER TABLE campaign {verb} TRIGGER batches_as_promised"


class RecordBroken(Exception):
    """The record of a letter does not recount. Nothing was changed."""

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(
            f"The ledger of {slug} is one of protocol version 1, and its own verify.py does not accept it ({reason}): "
            "nothing was changed. Run the version that made it."
        )


@dataclass(slots=True)
class Records:
    """Where records go, and the letters whose record was written, with its folder."""

    folder: Path
    written: dict[str, Path] = field(default_factory=dict)


def ledgers(connection: Connection) -> list[Row[Any]]:
    """Returns the letters whose ledger is one of version 1, by name."""
    return list(connection.execute(LEDGERS))


def retire(connection: Connection, records: Records) -> None:
    """Write the record of every letter of version 1, then make drafts of them. Raises RecordBroken or OSError."""
    found = ledgers(connection)
    for each in found:
        records.written[each.slug] = _write(connection, each, records.folder)
    connection.execute(text(TRIGGER.format(verb="DISABLE")))
    for each in found:
        for table in FORGOTTEN:
            connection.execute(text(f"DELETE FROM {table} WHERE campaign_id = :id"), {"id": each.id})
        for statement in BACK_TO_DRAFT:
            connection.execute(text(statement), {"id": each.id})
    connection.execute(text(TRIGGER.format(verb="ENABLE")))


def _write(connection: Connection, ledger: Row[Any], folder: Path) -> Path:
    """Write one record under another name, recount it, and give it its name. A second time replaces it."""
    target = folder / f"{ledger.slug}-{ledger.root.hex()[:16]}"
    draft = target.with_name(f".{target.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    key = vkey(ledger.origin, ledger.public)
    _write_bundle(connection, ledger, key, draft / "bundle.zip")
    shutil.copyfile(VERIFIER, draft / "verify.py")
    page = connection.scalar(PAGE, {"id": ledger.id})
    (draft / "page.json").write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
    (draft / "README.txt").write_text(README.format(slug=ledger.slug, vkey=key), encoding="utf-8")
    _recount(draft, ledger.slug)
    sums = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in sorted(draft.iterdir())]
    (draft / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    for each in draft.iterdir():
        each.chmod(0o600)
        with each.open("rb") as file:
            os.fsync(file.fileno())
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return target


def _write_bundle(connection: Connection, ledger: Row[Any], key: str, path: Path) -> None:
    """Write the file that the site offered. Below the number at which anything was public it holds no body."""
    about = {"id": ledger.id, "size": ledger.size}
    with zipfile.ZipFile(path, "w") as archive:
        _member(archive, "log.jsonl", map(_line, connection.execute(ENTRIES, about)))
        public = connection.execute(BODIES, about) if ledger.counted >= ledger.public_min else ()
        _member(archive, "bodies.jsonl", map(_body, public))
        _member(archive, "checkpoint", iter([ledger.checkpoint.encode()]))
        _member(archive, "vkey", iter([f"{key}\n".encode()]))
        for lang, markdown in connection.execute(LETTERS, about).all():
            _member(archive, f"letter.{lang}.md", iter([markdown.encode()]))


def _member(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes]) -> None:
    info = zipfile.ZipInfo(name, EARLIEST)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
    with archive.open(info, "w") as member:
        for chunk in chunks:
            member.write(chunk)


def _line(row: Row[Any]) -> bytes:
    return f"{row.line}\n".encode()


def _body(row: Row[Any]) -> bytes:
    body = {"comment": row.comment, "name": row.name, "role": row.role, "show": row.show, "team": row.team}
    line = {"body": body, "i": row.index, "salt": base64.urlsafe_b64encode(row.salt).decode().rstrip("=")}
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def vkey(name: str, public: bytes) -> str:
    """Returns the verifier key of a raw Ed25519 key, as C2SP's signed-note writes it."""
    typed = b"\x01" + public
    hashed = hashlib.sha256(name.encode() + b"\n" + typed).hexdigest()[:8]
    return f"{name}+{hashed}+{base64.b64encode(typed).decode()}"


def _recount(folder: Path, slug: str) -> None:
    argv = [sys.executable, "-I", "-B", str(folder / "verify.py"), str(folder / "bundle.zip")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no reason given"]
        raise RecordBroken(slug, lines[0])
