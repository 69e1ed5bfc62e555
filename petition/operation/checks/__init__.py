"""The checks, one module for each group. A check is a function of the context and a subject; `catalogue` lists all of them."""
