from django.apps import AppConfig


class CollectivesConfig(AppConfig):
    name = "collectives"

    def ready(self) -> None:
        from audit import words as journal
        from collectives import own_sections, receivers, words  # noqa: F401 (receivers are connected by being imported)
        from consent.own import sources

        journal.name_codes("page", words.PAGES.get)
        journal.name_codes("change", words.CHANGES.get)
        journal.name_codes("properties", words.PROPERTIES.get)
        sources.include(*own_sections.SECTIONS)
