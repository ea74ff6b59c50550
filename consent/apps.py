from django.apps import AppConfig


class ConsentConfig(AppConfig):
    name = "consent"

    def ready(self) -> None:
        from audit import words
        from audit.keeping import data
        from audit.reconciliation.sources import compare_with
        from consent import compared, kept, names
        from consent.ledger.holdings import Holdings
        from consent.own import given, sections, sources
        from consent.protection import cards, own_cards

        data.keep(*kept.categories())
        compare_with(*compared.SOURCES, Holdings())
        cards.offer(*own_cards.SOURCES)
        sources.include(*sections.SECTIONS)
        sources.include_given(*given.PARTS)
        for fact, name in names.CODES:
            words.name_codes(fact, name)
