"""PostgreSQL as Django speaks to it, but for a server that takes a question and never answers."""
