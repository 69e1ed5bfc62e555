"""Mail to subscribers and organisers: who asked for it, what waits, what is sent."""
