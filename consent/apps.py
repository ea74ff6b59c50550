from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"

    def ready(self) -> None:
        # The journal knows no data items; it asks their owner for the words.
        from audit import words
        from audit.keeping import data
        from audit.reconciliation.sources import compare_with
        from consent import compared, display, kept
        from consent.erasures.types import Ground, Refusal
        from consent.findings.types import Kind as Finding
        from consent.incidents import words as incidents
        from consent.ledger.holdings import Holdings
        from consent.own import sections, sources
        from consent.protection import cards, own_cards
        from consent.protection import words as protection
        from consent.register import words as register
        from consent.requests import words as requests
        from consent.requests.types import Came, Kind
        from consent.screening import words as screening
        from consent.types import Download

        data.keep(*kept.categories())
        compare_with(*compared.SOURCES, Holdings())
        cards.offer(*own_cards.SOURCES)
        sources.include(*sections.SECTIONS)
        words.name_codes("items", display.item_label)
        words.name_codes("refused_items", display.item_label)
        words.name_codes("categories", display.category_name)
        words.name_codes("channel", display.channel_name)
        words.name_codes("legal_basis", display.basis_name)
        words.name_codes("processing", display.processing_name)
        words.name_codes("language", display.language_name)
        words.name_codes("download", dict(Download.choices).get)
        words.name_codes("reason", display.ENDINGS.get)
        words.name_codes("reason", register.REFUSALS.get)
        words.name_codes("reason", incidents.REFUSALS.get)
        words.name_codes("reason", screening.REFUSALS.get)
        words.name_codes("outcome", screening.OUTCOMES.get)
        words.name_codes("criteria", screening.CRITERIA.get)
        words.name_codes("page", screening.PAGES.get)
        words.name_codes("incident_step", incidents.STEPS.get)
        words.name_codes("page", incidents.PAGES.get)
        words.name_codes("fields", register.FIELDS.get)
        words.name_codes("missing", register.HOLES.get)
        words.name_codes("page", register.PAGES.get)
        words.name_codes("reason", requests.REFUSALS.get)
        words.name_codes("page", requests.PAGES.get)
        words.name_codes("request_kind", dict(Kind.choices).get)
        words.name_codes("letter", requests.letter_name)
        words.name_codes("came", dict(Came.choices).get)
        words.name_codes("reason", protection.REFUSALS.get)
        words.name_codes("finding", dict(Finding.choices).get)
        words.name_codes("page", protection.PAGES.get)
        words.name_codes("reason", display.ERASURES.get)
        words.name_codes("erasure_ground", dict(Ground.choices).get)
        words.name_codes("refusal", dict(Refusal.choices).get)
