"""Sign-in, confirmation of identity and second factors: what the hub adds to allauth's account flows."""
