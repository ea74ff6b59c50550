"""What members want done with their data after their death (act of 6 January 1978, article 85)."""
