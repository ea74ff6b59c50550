"""For how long a tool that came from another hub still gets what its sheet does not declare, and who said so."""
