"""Everything that the hub holds of a member, for that member to take: section by section, in data and in sentences."""
