"""Breaches of personal data (GDPR articles 33 and 34): every one is kept, also those that nobody is told of."""
