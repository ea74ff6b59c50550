"""The trombinoscope: members who show themselves to each other, found, seen and written to."""
