"""How far two orders of the same things go together."""

from __future__ import annotations

CHANCE = 0.25
"""Spearman's rank correlation of 300 random pairs is below this 99.999 times in 100."""


def correlation(one: list[int], other: list[int]) -> float:
    """Spearman's rank correlation of two orders of the same things."""
    n = len(one)
    return 1 - 6 * sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) / (n * (n * n - 1))


def places(order: list[bytes], arrivals: list[bytes]) -> list[int]:
    """Where in an order each arrival stands."""
    at = {each: place for place, each in enumerate(order)}
    return [at[each] for each in arrivals]
