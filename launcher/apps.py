from django.apps import AppConfig


class LauncherConfig(AppConfig):
    name = "launcher"

    def ready(self) -> None:
        from audit import words as journal
        from consent.own import sources
        from launcher import own_sections, receivers  # noqa: F401 (receivers are connected by being imported)
        from launcher.people import words

        journal.name_codes("reason", words.REASONS.get)
        sources.include(*own_sections.SECTIONS)
