"""Tasks: load, call the domain, done. Ids in, nothing out; each may run twice without harm."""
