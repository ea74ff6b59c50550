"""Programs for people who work on the hub: checks, test runner, generated documentation."""
