"""A letter in the making: begun, written step by step, looked at as the public will see it, opened.

Guards that a step saves whatever is well-formed, complete or not, and loses nothing that is not. Refuses rules: what a
draft lacks and what an opening freezes is said by `petition.campaigns`.
"""

from petition.web.dashboard.drafts import begin, demands, domains, letter, milestones, opening, simple
from petition.web.dashboard.drafts.blueprint import bp

__all__ = ["begin", "bp", "demands", "domains", "letter", "milestones", "opening", "simple"]
