"""How the data protection officer reads the journal: for a purpose, by pseudonyms, and on the record."""
