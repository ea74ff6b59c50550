from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import words
        from audit.reconciliation.sources import label_of

        words.name_codes("compared", label_of)
