"""Whether an impact assessment is due (GDPR article 35): asked of each processing, and kept also when it is not."""
