"""What left, day by day, and who therefore holds what of whom."""
