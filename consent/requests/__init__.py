"""Requests of data subjects: made, timed, worked on and answered (GDPR articles 12 and 15 to 22)."""
