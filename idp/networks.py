"""Where a session is used from, as coarsely as a member needs to recognise it.

The cooperative's own networks have names.  Of the others half an IPv4 address is kept, or the first 32 bits of an IPv6
one: that tells a provider and not a household.  No town is looked up: it would need a list bought from somebody, is
wrong for most phones, and a wrong town frightens people for nothing or teaches them to ignore it.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
MAX_LENGTH = 45


def cut(address: str, known: Mapping[str, Network]) -> str:
    """What a session keeps of an address: the name of a known network, or the address cut short; empty for none."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    for name, network in known.items():
        if found.version == network.version and found in network:
            return name[:MAX_LENGTH]
    return str(ip_network(f"{found}/{16 if found.version == 4 else 32}", strict=False))


def shown(kept: str) -> str:
    """``82.64…`` for ``82.64.0.0/16``; a known network keeps its name."""
    try:
        network = ip_network(kept)
    except ValueError:
        return kept
    if network.version == 4:
        return ".".join(str(network.network_address).split(".")[:2]) + "…"
    return ":".join(network.network_address.exploded.split(":")[:2]) + "…"


def has_name(kept: str) -> bool:
    return bool(kept) and "/" not in kept
