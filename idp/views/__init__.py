"""HTTP in, HTTP out: the authorization endpoint, the token endpoints, logout, metadata, and members' actions."""
