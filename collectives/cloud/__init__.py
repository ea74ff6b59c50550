"""What a shared cloud holds for a collective: its folder by WebDAV (RFC 4918), its calendar by CalDAV (RFC 4791)."""
