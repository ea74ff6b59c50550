from django.apps import AppConfig


class CollectivesConfig(AppConfig):
    name = "collectives"

    def ready(self) -> None:
        from collectives import own_sections, receivers  # noqa: F401 (receivers are connected by being imported)
        from consent.own import sources

        sources.include(*own_sections.SECTIONS)
