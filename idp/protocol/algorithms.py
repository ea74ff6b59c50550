"""The algorithms of the other side: what tools may sign with, and what is encrypted to them.  One list for each."""

# RFC 9864 §2.2: EdDSA is the older name of Ed25519, which libraries still write.
FROM_TOOLS = ("ES256", "PS256", "RS256", "Ed25519", "EdDSA")
# FAPI 2.0 SP §5.4.1: no RSASSA-PKCS1-v1_5.
FROM_STRICT_TOOLS = frozenset(FROM_TOOLS) - {"RS256"}


def from_tool(*, strict: bool) -> frozenset[str]:
    """What a tool may sign with.  ``strict`` is a tool of FAPI 2.0."""
    return FROM_STRICT_TOOLS if strict else frozenset(FROM_TOOLS)


# RFC 8725 §3.2: neither RSA 1.5 nor OAEP with SHA-1; what is shared between the two sides is never a password.
# Each with the kinds of key that it goes with (RFC 7518 §4.1).
ENCRYPTION: dict[str, frozenset[str]] = {
    "RSA-OAEP-256": frozenset({"RSA"}),
    "ECDH-ES": frozenset({"EC", "OKP"}),
    "ECDH-ES+A256KW": frozenset({"EC", "OKP"}),
}
ENCRYPTION_METHODS = ("A128CBC-HS256", "A128GCM", "A256GCM")
