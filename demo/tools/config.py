"""What the supervisor tells a tool's process, read once from its environment."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    name: str
    origin: str
    hub: str
    data_dir: Path
    secret_key: str
    client_id: str
    client_secret: str
    scopes: str
    basic_auth: bool

    @property
    def jwks_endpoint(self) -> str:
        return f"{self.hub}/oidc/jwks"

    @property
    def end_session_endpoint(self) -> str:
        return f"{self.hub}/oidc/logout"


CONFIG = Config(
    name=os.environ["TOOL_NAME"],
    origin=os.environ["TOOL_ORIGIN"],
    hub=os.environ["TOOL_HUB"],
    data_dir=Path(os.environ["TOOL_DATA_DIR"]),
    secret_key=os.environ["TOOL_SECRET_KEY"],
    client_id=os.environ["TOOL_CLIENT_ID"],
    client_secret=os.environ["TOOL_CLIENT_SECRET"],
    scopes=os.environ["TOOL_SCOPES"],
    basic_auth=os.environ["TOOL_BASIC_AUTH"] == "yes",
)
HTTP_TIMEOUT_SECONDS = 5
