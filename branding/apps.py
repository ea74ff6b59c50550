from django.apps import AppConfig


class BrandingConfig(AppConfig):
    name = "branding"

    def ready(self) -> None:
        from audit import words as journal
        from branding import words

        journal.name_codes("reason", words.REASONS.get)
        journal.name_codes("properties", words.FIELDS.get)
