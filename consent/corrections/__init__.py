"""What changed of people, beside what tools were told since: who has it, and who still has the value of before."""
