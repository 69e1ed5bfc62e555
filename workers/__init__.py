"""What happens after the answer was given: codes are mailed, epochs closed, follow-ups done. Born without Flask."""
