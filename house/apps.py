from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "house"

    def ready(self) -> None:
        from audit import words as journal
        from house import words

        journal.name_codes("reason", words.REASONS.get)
        journal.name_codes("properties", words.FIELDS.get)
