"""Security of processing (GDPR article 32): measures, restore tests and reviews, as dated lines that stay."""
