"""Work after the response: mailing codes, closing epochs, follow-ups. This package does not use Flask."""
