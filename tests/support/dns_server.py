"""A small real DNS server on loopback, over UDP and TCP, that answers what it is told, or misbehaves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Zone = dict[tuple[str, str], Sequence[str]]
"""Records by name and type, as in a zone file. A name that is in no record does not exist."""
MOST_UDP = 1_232


@dataclass
class Names:
    """What the server answers. `behaviour`: `answers`, `silent`, `garbage`, `broken` (SERVFAIL) or `foreign` (another id)."""

    zone: Zone = field(default_factory=dict)
    behaviour: str = "answers"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def reply(self, wire: bytes, *, stream: bool) -> bytes | None:
        """The answer to one question, or None for silence."""
        if self.behaviour == "silent":
            return None
        if self.behaviour == "garbage":
            return wire[:2] + b"\xff" * 40
        question = dns.message.from_wire(wire)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if self.behaviour == "broken":
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(answer, question.question[0])
        if self.behaviour == "foreign":
            answer.id ^= 1
        sent = answer.to_wire(max_size=65_535)
        if not stream and len(sent) > MOST_UDP:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            return answer.to_wire()
        return sent

    def _fill(self, answer: dns.message.Message, asked: dns.rrset.RRset) -> None:
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        for _ in range(20):  # a chain of other names; a loop is answered as far as this
            records = self.zone.get((name, kind))
            alias = self.zone.get((name, "CNAME"))
            if records is not None or alias is None:
                break
            self._add(answer, name, "CNAME", alias)
            name = alias[0].rstrip(".")
        if records:
            self._add(answer, name, kind, records)
        elif not answer.answer and not any(each == name for each, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)

    def _add(self, answer: dns.message.Message, name: str, kind: str, records: Sequence[str]) -> None:
        found = dns.rrset.from_text_list(dns.name.from_text(name), 60, "IN", kind, records)
        answer.answer.append(found)


def txt(*texts: str) -> list[str]:
    """TXT records, each in strings of at most 255 characters."""
    return [" ".join(f'"{text[at : at + 255]}"' for at in range(0, max(len(text), 1), 255)) for text in texts]


@contextmanager
def dns_server(names: Names) -> Iterator[str]:
    """Serve names on loopback and give ADDRESS:PORT."""
    packets, streams = _two_sockets()
    with packets, streams:
        threading.Thread(target=_answer_packets, args=(packets, names), daemon=True).start()
        threading.Thread(target=_answer_streams, args=(streams, names), daemon=True).start()
        yield f"127.0.0.1:{packets.getsockname()[1]}"
        streams.shutdown(socket.SHUT_RDWR)
        packets.sendto(b"", packets.getsockname())  # ends the thread that waits for a question


def _two_sockets() -> tuple[socket.socket, socket.socket]:
    """One port for both: the system gives one for TCP, and that of UDP is free with all but certainty."""
    while True:
        streams = socket.create_server(("127.0.0.1", 0))
        packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            packets.bind(streams.getsockname())
        except OSError:
            streams.close()
            packets.close()
            continue
        return packets, streams


def _answer_packets(packets: socket.socket, names: Names) -> None:
    with suppress(OSError):
        while True:
            wire, client = packets.recvfrom(65_535)
            if not wire:
                return
            reply = names.reply(wire, stream=False)
            if reply is not None:
                packets.sendto(reply, client)


def _answer_streams(streams: socket.socket, names: Names) -> None:
    with suppress(OSError):
        while True:
            client, _ = streams.accept()
            with client, suppress(OSError), client.makefile("rb") as reading:
                reply = names.reply(reading.read(int.from_bytes(reading.read(2), "big")), stream=True)
                if reply is not None:
                    client.sendall(len(reply).to_bytes(2, "big") + reply)


def merged(*zones: Mapping[tuple[str, str], Sequence[str]]) -> Zone:
    """Several zones as one; later ones win."""
    return {key: value for zone in zones for key, value in zone.items()}
