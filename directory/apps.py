from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "directory"

    def ready(self) -> None:
        # The journal knows no codes of the directory; it asks their owner for the words.
        from audit import words as journal
        from audit.keeping import data, ends
        from audit.reconciliation.sources import compare_with
        from directory import compared, follow_words, kept, selectors, words
        from directory.types import Mode, SourceState

        data.keep(*kept.categories())
        ends.know_by(selectors.ended_before, selectors.erased_of)
        compare_with(*compared.SOURCES)
        journal.name_things("source", selectors.source_names)
        journal.name_things("collective", selectors.collective_names)
        journal.name_codes("reason", words.REASONS.get)
        journal.name_codes("held", words.held)
        journal.name_codes("role", words.role)
        journal.name_codes("role", data.label)
        journal.name_codes("data", data.label)
        journal.name_codes("retention", data.label)
        journal.name_codes("state", words.state)
        journal.name_codes("status", words.status)
        journal.name_codes("former_status", words.status)
        journal.name_codes("change", words.CHANGES.get)
        journal.name_codes("suspension", words.suspension)
        journal.name_codes("items", words.FIELDS.get)
        journal.name_codes("reason", follow_words.reason)
        journal.name_codes("properties", follow_words.SETTINGS.get)
        journal.name_codes("source_step", follow_words.STEPS.get)
        journal.name_codes("source_state", dict(SourceState.choices).get)
        journal.name_codes("mode", dict(Mode.choices).get)
        journal.name_codes("issue", lambda code: follow_words.issue(code)[0])
