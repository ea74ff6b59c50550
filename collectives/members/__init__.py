"""Who is in a collective, changed by those who lead it: the effect shown first, and undone for thirty days."""
