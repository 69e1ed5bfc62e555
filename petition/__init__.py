"""Undersigned: open letters by employees, with a count that anybody can recount and signers nobody can unmask.

Glossary: one term for each thing.

campaign      one letter to one addressee, with its demands, dates and signatures
letter        the text, in one or more languages; frozen once the campaign is open
demand        a numbered thing that is asked, with a state of its own
addressee     whom the letter is written to
signer        an employee who signed
signature     one entry of the ledger, made with a pass
verification  proving that one works there; its method is how (a code to the work address)
code          the eight digits in the mail
pass          what a verified person holds: stamped blindly, redeemed once
ledger        the public log of all signatures, a Merkle tree
epoch         one batch written to the ledger, in one transaction; pages call it a batch
checkpoint    the ledger's signed head
bundle        the file with which anybody recounts offline
visibility    what a signature shows: anonymous, role or name
withdrawal    the signer takes the signature back
hide          the signer takes the name off; the signature still counts
removal       organisers take a signature off, for a reason from a closed list; a bulk removal takes many
milestone     a number of signatures, or a share of the workforce
update        news by the organisers
approval      the consent of a second organiser
audit log     the actions of organisers
outbox        rows that promise work
subscriber    somebody who asked for mail, signer or not
frequency     how often a subscriber gets mail
digest        what happened, once a period
edition       a digest of one period, the same for all who get it
delivery      one mail to one recipient
throttle      how fast mail goes to one mail domain
pause         mail that an organiser or a fault has stopped

P1 … P60 are the guarantees of docs/promises.md, § are sections of docs/protocol.md.
"""
