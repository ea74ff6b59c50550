"""What no provider can go below: one signature per ID token, through the library that the hub signs with."""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

# About the length of the signing input of an ID token.
MESSAGE = b"x" * 700
SECONDS = 0.4


def signature_ms() -> dict[str, float]:
    """CPU milliseconds of one signature, by algorithm, on this machine now."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    return {
        "RS256": cpu_ms(lambda: rsa_key.sign(MESSAGE, padding.PKCS1v15(), SHA256())),
        "ES256": cpu_ms(lambda: ec_key.sign(MESSAGE, ec.ECDSA(SHA256()))),
    }


def cpu_ms(work: Callable[[], object], seconds: float = SECONDS) -> float:
    work()
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(20):
            work()
        count += 20
    return spent * 1000 / count
