"""The office's pages: a member found, what stands in their way, and what may be done about it."""
