"""The tables as an earlier release left them, and forward again."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate(targets: list[tuple[str, str]] | None = None) -> MigrationExecutor:
    """To these, or as far as there is; what was done knows the tables as they are then."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets or executor.loader.graph.leaf_nodes())
    return executor
