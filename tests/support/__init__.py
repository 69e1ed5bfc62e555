"""What tests share: people at browsers, servers, readers of pages, counters. `tests/plugins.py` lists their fixtures."""
