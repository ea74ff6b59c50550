"""The proof of the journal in pages: how far it has come, what is kept of it elsewhere, and by whom."""
