from django.apps import AppConfig


class LauncherConfig(AppConfig):
    name = "launcher"

    def ready(self) -> None:
        from launcher import receivers  # noqa: F401 (receivers are connected by being imported)
