"""The evidence for an inspection in one file (GDPR articles 5(2) and 31): of the processings asked about, no more."""
