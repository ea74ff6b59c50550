from django.apps import AppConfig


class LauncherConfig(AppConfig):
    name = "launcher"

    def ready(self) -> None:
        from audit import words as journal
        from collectives.members import selectors as members
        from consent.own import sources
        from launcher import own_sections, receivers, words  # noqa: F401 (receivers are connected by being imported)
        from launcher.people import services
        from launcher.people import words as people

        members.count_with(lambda reader, now: services.note_page(reader=reader, now=now))
        journal.name_codes("reason", people.REASONS.get)
        journal.name_codes("page", words.PAGES.get)
        journal.name_codes("properties", words.PROPERTIES.get)
        sources.include(*own_sections.SECTIONS)
        sources.include_given(*own_sections.GIVEN)
