"""Campaigns as files: the founding one, for the demonstration, and any other of the same shape."""
