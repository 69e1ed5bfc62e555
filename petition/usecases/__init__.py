"""What organisers do that touches several concepts at once: acts under two keys, removals of many, exports, figures.

Guards that the web and the workers do the same thing in the same way. Refuses HTTP; `petition.web.dashboard` has it.
"""
