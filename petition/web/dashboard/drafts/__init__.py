"""A draft of a letter: begun, written step by step, previewed as the public will see it, opened.

A step saves whatever is well-formed, complete or not, and keeps the text of what is not. The rules (what a draft lacks, what
an opening freezes) are those of `petition.campaigns`.
"""
