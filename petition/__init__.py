"""Undersigned: open letters by employees, with a count that anybody can recount and signers nobody can unmask.

The words of this house, and no others beside them:

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
epoch         one batch written to the ledger, in one transaction
checkpoint    the ledger's signed head
bundle        the file with which anybody recounts offline
withdraw      the signer takes the signature back
remove        the organisers strike a signature out, for a reason from a closed list
hide          the name goes, the signature still counts
milestone     a number of signatures, or a share of the workforce, worth telling
update        news by the organisers
subscriber    somebody who asked for mail, signer or not
digest        what happened, told once a day or week
edition       a digest of one period, the same for all who get it
delivery      one mail to one recipient
lane          the mails to one mail domain
"""
