"""One person's lines of the journal, for that person: what they did, what was sent, who looked."""
