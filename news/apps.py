from django.apps import AppConfig


class NewsConfig(AppConfig):
    name = "news"

    def ready(self) -> None:
        from audit import words as journal
        from audit.keeping import data
        from consent.own import sources
        from news import kept, own_sections, receivers, words  # noqa: F401 (receivers are connected by being imported)
        from news.types import Audience, Rhythm

        data.keep(*kept.categories())
        journal.name_codes("reason", words.REASONS.get)
        journal.name_codes("page", words.PAGES.get)
        journal.name_codes("properties", words.PROPERTIES.get)
        journal.name_codes("standing", words.STANDINGS.get)
        journal.name_codes("rhythm", dict(Rhythm.choices).get)
        journal.name_codes("audience", dict(Audience.choices).get)
        sources.include(*own_sections.SECTIONS)
        sources.include_given(*own_sections.GIVEN)
