"""The pages about the directories that the hub follows: for the office and the technicians."""
