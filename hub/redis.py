"""Redis as Django speaks to it, but for one client where Django makes one at every call."""

from functools import cached_property
from typing import Any

from django.core.cache.backends import redis


class Client(redis.RedisCacheClient):
    """A client costs more to make than a key to fetch.  It holds a pool and no connection, so threads may share it."""

    @cached_property
    def _made(self) -> Any:
        return super().get_client()

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._made


class RedisCache(redis.RedisCache):
    """For one server: with replicas, reading and writing would need a client each."""

    def __init__(self, server: Any, params: Any) -> None:
        super().__init__(server, params)
        self._class = Client
