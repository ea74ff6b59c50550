"""Does the journal tell of everything that the tables say happened?  Compared every night; what is missing is a gap.

No proof can show that everything was recorded.  Rows that were written for another purpose, such as sessions, tokens
and decisions, can show what was not.  The apps that own such rows say which lines must stand beside them.
"""
