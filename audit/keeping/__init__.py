"""What is kept in the journal for how long, what must not go, and how what goes is let go and announced."""
