"""The order that a member gives to their tools, and whether they stand by section or by collective, and which keys
act there."""
