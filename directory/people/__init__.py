"""What members show of themselves, to whom, and how they are found by it."""
