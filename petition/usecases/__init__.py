"""What organisers do that touches several concepts: acts with approval, bulk removals, exports, figures.

The web process and the workers share this code, so they do the same thing in the same way. It contains no HTTP, which
is in `petition.web.dashboard`.
"""
