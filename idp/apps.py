from django.apps import AppConfig


class IdpConfig(AppConfig):
    name = "idp"

    def ready(self) -> None:
        # The journal knows no codes of the protocol; it asks their owner for the words.
        from audit import gate as readers
        from audit import words as journal
        from audit.keeping import data
        from audit.reconciliation.sources import compare_with
        from consent.own import sources
        from consent.receipts.selectors import identify_with
        from directory.policy import Right
        from idp import (
            claims,
            compared,
            gate,
            kept,
            networks,
            own_sections,
            receivers,  # noqa: F401 (connected by being imported)
            words,
        )
        from idp.signin import first_role  # noqa: F401
        from idp.signin import receivers as signin_receivers  # noqa: F401

        data.keep(*kept.categories())
        compare_with(*compared.SOURCES)
        identify_with(claims.subject)
        sources.include(*own_sections.SECTIONS)
        sources.include_given(*own_sections.GIVEN)
        proof = frozenset({"audit:proof", "audit:checkpoint", "audit:checkpoints", "audit:witness_add"})

        # Pages of the officer, by the name space of their addresses.
        others = dict.fromkeys(("evidence", "incidents", "protection", "register", "screening"), Right.KEEP_REGISTER)
        others["requests"] = Right.ANSWER_REQUESTS

        def right_for(page: str) -> Right:
            return Right.KEEP_PROOF if page in proof else others.get(page.partition(":")[0], Right.READ_JOURNAL)

        readers.guard_with(lambda request, page: gate.refusal(request, right_for(page), page))
        journal.name_codes("reason", words.reason)
        journal.name_codes("state", words.state)
        journal.name_codes("step", words.STEPS.get)
        journal.name_codes("methods", words.METHODS.get)
        journal.name_codes("factor", words.FACTORS.get)
        journal.name_codes("binding", words.BINDINGS.get)
        journal.name_codes("endpoint", words.ENDPOINTS.get)
        journal.name_codes("link_kind", words.LINKS.get)
        journal.name_codes("mail", words.MAILS.get)
        journal.name_codes("network", networks.shown)
        journal.name_codes("page", words.PAGES.get)
        journal.name_codes("active_at", words.moment)
