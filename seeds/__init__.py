"""Campaigns as files: the founding one, for the demonstration, and others of the same shape."""
