"""Contracts with processors (GDPR article 28): what each says of the eight points, who is further down, the text."""
