"""Every module of the OpenID Foundation's plans as a test, against the hub and against a certified provider."""
