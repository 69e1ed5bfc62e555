"""How the web server meets its clients: what comes in is read to its end before a thread is used, within a deadline."""
