"""Undersigned: open letters by employees, with a count that anybody can recount and signers nobody can unmask.

Glossary: one term for each thing.

campaign      one letter to one addressee, with its demands, dates and signatures
letter        the text, in one or more languages; frozen once the campaign is open
demand        a numbered thing that is asked, with a state of its own
addressee     whom the letter is written to
signer        an employee who signed
signature     made with a pass; it waits until a batch makes it an entry of the ledger
verification  proving that one works there; its method is how (a code to the work address)
code          the eight digits in the mail; the long code has eight more, and is asked for after many wrong ones
challenge     one request for a code, until the code is typed
tag           a keyed hash of a verified address: one pass for each
issuer        the key of a campaign that stamps passes
stamp         the issuer's blind signature (RFC 9474): it is made on a blinded value, which the issuer cannot recognise
pass          what a verified person holds: stamped once, redeemed once
ledger        the public log of all signatures, a Merkle tree
epoch         one batch written to the ledger, in one transaction; pages call it a batch
k             the least number of signatures in a batch
slot          a fixed moment at which a batch may be written, counted from the opening
act           a withdrawal, a change or a removal that waits for a batch
head          size and root of the ledger after a batch
checkpoint    the signed head
body          what a signature shows (name, role, team, comment), with a random salt; the ledger holds its hash
tombstone     the ledger's entry for a withdrawal or a removal
bundle        the file with which anybody recounts offline
visibility    what a signature shows: anonymous, role or name
secret chain  the nine values that follow from a signer's secret; each act reveals the next one
ticket        what a receipt holds to ask for the true status of its signature
change        the signer changes what the signature shows; the ledger calls it amend
withdrawal    the signer takes the signature back
hide          the signer takes the name off; the signature still counts
removal       organisers take a signature off, for a reason from a closed list; a bulk removal takes many
milestone     a number of signatures, or a share of the workforce
update        news by the organisers
approval      the consent of a second organiser
audit log     the actions of organisers
outbox        rows that promise work; the sweep finds rows whose message was lost
scrub         rewriting tables so that the order of arrival is lost
sealed        encrypted: addresses, private keys and backups with a key; a sealed name waits for a number of names
subscriber    somebody who asked for mail, signer or not
frequency     how often a subscriber gets mail
digest        what happened, once a period
edition       a digest of one period, the same for all who get it
delivery      one mail to one recipient
throttle      how fast mail goes to one mail domain
pause         mail that an organiser or a fault has stopped

P1 … P60 are the guarantees of docs/promises.md, § are sections of docs/protocol.md.
"""

__version__ = "0.1.0"
"""The only place that has it: the wheel, `--version` and the bill of materials read it here."""
