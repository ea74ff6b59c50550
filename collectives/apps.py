from django.apps import AppConfig


class CollectivesConfig(AppConfig):
    name = "collectives"

    def ready(self) -> None:
        from audit import words as journal
        from audit.keeping import data
        from collectives import kept, own_sections, receivers, words  # noqa: F401 (receivers are connected by being imported)
        from consent.own import sources

        journal.name_codes("page", words.PAGES.get)
        journal.name_codes("change", words.CHANGES.get)
        journal.name_codes("properties", words.PROPERTIES.get)
        data.keep(*kept.categories())
        sources.include(*own_sections.SECTIONS)
        sources.include_given(*own_sections.GIVEN)
