"""Django's backend with a limit to every wait, and dates read as fast as the rest.

A server that is frozen, or gone without a word, answers no cancellation either, and TCP goes on acknowledging: only
this side can end the wait.  Without a limit eight such requests are all the threads there are, and the key set that
every tool needs is answered by none of them.
"""

import select
from datetime import datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

# In the web server, where somebody waits.  The worker's passes and the commands have none.
answer_seconds: float | None = None


class Connection(psycopg.Connection[Any]):
    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None or answer_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, answer_seconds)
        except psycopg.errors._WaitTimeout as error:
            # In the middle of an answer: nothing that comes on this connection could be told apart any more.
            self.pgconn.finish()
            raise psycopg.OperationalError("the database does not answer") from error


class MomentLoader(BaseTzLoader):  # type: ignore[misc]
    """Moments come as ISO 8601 (PostgreSQL's ``DateStyle``), which Python reads without a regular expression.

    What Python has no moment for, years before 1 and "infinity", is left to the driver.
    """

    def load(self, data: Any) -> Any:
        try:
            return datetime.fromisoformat(bytes(data).decode()).replace(tzinfo=self.timezone)
        except ValueError:
            return super().load(data)


class Driver:
    """The driver, with this file's connections."""

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)

    connect = staticmethod(Connection.connect)


class DatabaseWrapper(base.DatabaseWrapper):
    Database = Driver()  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        loader = type("Loader", (MomentLoader,), {"timezone": self.timezone})
        connection.adapters.register_loader("timestamptz", loader)
        return connection

    def is_usable(self) -> bool:
        """Asked before each request.  A server that went away has hung up, which is seen here without a round trip."""
        connection: Any = self.connection
        if connection is None or connection.closed:
            return False
        line = select.poll()
        line.register(connection.pgconn.socket, select.POLLIN)
        return not line.poll(0)
