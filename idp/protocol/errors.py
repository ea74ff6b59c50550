"""Errors of the authorization endpoint, by the names the specifications give them."""


class ProtocolError(Exception):
    """``code`` goes on the wire, ``description`` to the tool's developer; ``detail`` stays in the journal."""

    def __init__(self, code: str, description: str = "", *, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.detail = detail or code
