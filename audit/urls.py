"""Addresses of the journal."""

from django.urls import path, re_path

from audit.keeping import views as keeping
from audit.proof import views as proof
from audit.reading import views as reading
from audit.reading.exports import export
from audit.reading.lookups import lookups
from audit.reading.pictures import pictures
from audit.reading.purpose import purpose
from audit.reconciliation import views as reconciliation

app_name = "audit"
urlpatterns = [
    path("", reading.journal, name="journal"),
    path("raison/", purpose, name="purpose"),
    path("chercher/", reading.search, name="search"),
    path("recherches/", reading.searches, name="searches"),
    path("personnes/", reading.reveal_all, name="reveal_all"),
    re_path(r"^personnes/(?P<pseudonym>[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4})/$", reading.reveal, name="reveal"),
    path("consultations/", lookups, name="lookups"),
    path("images/", pictures, name="pictures"),
    re_path(r"^export\.(?P<kind>csv|ods|jsonl|zip)$", export, name="export"),
    path("conservation/", keeping.keeping, name="keeping"),
    path("conservation/essai/", keeping.trial, name="keeping_trial"),
    path("conservation/horloge/", keeping.confirm, name="keeping_confirm"),
    path("conservation/regles/<slug:name>/", keeping.rule, name="keeping_rule"),
    path("conservation/horloges/", keeping.clocks, name="keeping_clocks"),
    path("conservation/donnees/<slug:code>/", keeping.days, name="keeping_days"),
    path("conservation/suspensions/", keeping.hold, name="keeping_hold"),
    path("conservation/suspensions/<int:hold_id>/", keeping.lift, name="keeping_lift"),
    path("conservation/personne/", keeping.person, name="keeping_person"),
    path("rapprochement/", reconciliation.page, name="reconciliation"),
    path("preuve/", proof.page, name="proof"),
    path("preuve/releves/", proof.checkpoints, name="checkpoints"),
    path("preuve/courriers/", proof.mails_kept, name="mails_kept"),
    path("preuve/temoins/", proof.witness_add, name="witness_add"),
    path("preuve/temoins/<int:witness_id>/confiance/", proof.witness_trust, name="witness_trust"),
    path("preuve/temoins/<int:witness_id>/retrait/", proof.witness_end, name="witness_end"),
    re_path(r"^preuve/(?P<name>[a-z0-9.-]{1,40})\.txt$", proof.checkpoint, name="checkpoint"),
]
