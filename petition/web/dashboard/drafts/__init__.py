"""The pages on which organisers write a draft step by step, preview it and open it.

A step saves everything that is well-formed, complete or not, and shows again what is not. `petition.campaigns` has the
rules: what a draft lacks, and what opening freezes.
"""
