"""Redis: one client for all threads of a process."""

import threading

from hub.redis import RedisCache


def test_one_client_serves_every_call_and_thread():
    cache = RedisCache("redis://127.0.0.1:1/0", {})
    seen = []

    def ask():
        seen.append(cache._cache.get_client("a"))
        seen.append(cache._cache.get_client("b", write=True))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(seen) == 6
    assert len({id(client) for client in seen}) == 1
