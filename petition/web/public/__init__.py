"""Pages for everybody: readers, signers, reporters. No session, no cookie, the same bytes for all.

Guards that a page view counts nothing: what it shows was made by the epoch. Refuses to know who reads.
"""
