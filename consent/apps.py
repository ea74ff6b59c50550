from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"

    def ready(self) -> None:
        # The journal knows no data items; it asks their owner for the words.
        from audit import words
        from consent import display

        words.name_codes("items", display.item_label)
        words.name_codes("refused_items", display.item_label)
        words.name_codes("channel", display.channel_name)
        words.name_codes("legal_basis", display.basis_name)
        words.name_codes("language", display.language_name)
        words.name_codes("reason", display.ENDINGS.get)
