from django.apps import AppConfig


class LauncherConfig(AppConfig):
    name = "launcher"

    def ready(self) -> None:
        from consent.own import sources
        from launcher import own_sections, receivers  # noqa: F401 (receivers are connected by being imported)

        sources.include(*own_sections.SECTIONS)
