"""Words for the codes that sign-in and the protocol write to the journal: reasons, steps, proofs."""

import re
from datetime import datetime

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from idp.templatetags.notices import RESULTS, result_words
from idp.types import LinkKind, MailKind, ToolState

Text = str | Promise

STEPS: dict[str, Text] = {
    "sign_in": _("connexion"),
    "confirmation": _("confirmation de l’identité"),
    "code": _("double vérification"),
    "passkey": _("clé d’accès"),
    "link": _("lien reçu"),
    "must_change": _("mot de passe à remplacer"),
    "change": _("changement par le membre"),
}
# The values of ``amr`` (RFC 8176 §2).
METHODS: dict[str, Text] = {
    "pwd": _("mot de passe"),
    "otp": _("code de l’application"),
    "hwk": _("clé d’accès de l’appareil"),
    "swk": _("clé d’accès synchronisée"),
    "user": _("personne présente"),
    "mfa": _("deux preuves"),
}
FACTORS: dict[str, Text] = {
    "totp": _("application de codes"),
    "recovery_codes": _("codes de secours"),
    "webauthn": _("clé d’accès"),
}
BINDINGS: dict[str, Text] = {
    "jkt": _("clé de l’outil"),
    "x5t": _("certificat de l’outil"),
}
LINKS: dict[str, Text] = dict(LinkKind.choices)
MAILS: dict[str, Text] = dict(MailKind.choices)
ENDPOINTS: dict[str, Text] = {"userinfo": _("données du membre")}
PAGES: dict[str, Text] = {
    "idp:deliveries": _("avis de déconnexion"),
    "idp:retry_deliveries": _("relance des avis de déconnexion"),
    "idp:sessions_end": _("fin d’une session"),
    "idp:sessions_forget": _("oubli d’un navigateur"),
    "idp:sessions_ask_code": _("fin de la confiance dans un navigateur"),
}

REASONS: dict[str, Text] = {
    # Signing in.
    "wrong": _("mot de passe faux"),
    "unknown": _("identifiant inconnu"),
    "ambiguous": _("identifiant porté par plusieurs membres"),
    "locked": _("compte verrouillé"),
    "left": _("membre parti"),
    "suspended": _("compte suspendu par la structure"),
    "blank": _("identifiant ou mot de passe vide"),
    "code": _("code faux ou déjà utilisé"),
    "throttled": _("trop d’essais"),
    "directory_down": _("l’annuaire ne répond pas"),
    "passkey_malformed": _("réponse de la clé d’accès illisible"),
    "passkey_challenge": _("demande à la clé d’accès périmée ou déjà utilisée"),
    "passkey_origin": _("clé d’accès utilisée sur un autre site"),
    "passkey_unknown": _("clé d’accès inconnue"),
    "passkey_unverified": _("clé d’accès sans code ni empreinte"),
    "passkey_invalid": _("clé d’accès non valable"),
    "passkey_known": _("clé d’accès déjà enregistrée"),
    "passkey_many": _("trop de clés d’accès"),
    "passkey_counter": _("compteur de la clé d’accès revenu en arrière"),
    "one_step": _("une seule des deux étapes"),
    # Passwords and links.
    "password_unreadable": _("caractère invisible"),
    "password_short": _("trop court"),
    "password_long": _("trop long"),
    "password_common": _("parmi les plus courants"),
    "password_personal": _("tiré du nom ou de la coopérative"),
    "password_weak": _("trop facile à deviner"),
    "directory_wrong_old": _("mot de passe actuel faux"),
    "directory_too_short": _("trop court pour l’annuaire"),
    "directory_quality": _("refusé par la règle de l’annuaire"),
    "directory_in_history": _("déjà utilisé"),
    "directory_too_young": _("changé trop récemment"),
    "directory_not_allowed": _("l’annuaire ne le permet pas à Trousseau"),
    "directory_closed": _("compte fermé dans l’annuaire"),
    "directory_uncertain": _("l’annuaire n’a pas confirmé"),
    "by_link": _("par un lien reçu"),
    "by_member": _("par le membre"),
    "had_to_change": _("à remplacer à la connexion"),
    "password_changed": _("mot de passe changé"),
    "link_unknown": _("lien inconnu"),
    "link_used": _("lien déjà utilisé"),
    "link_ended": _("lien remplacé ou repris"),
    "link_expired": _("lien périmé"),
    "no_address": _("pas d’adresse e-mail à soi"),
    "no_write_account": _("Trousseau ne peut pas changer ce mot de passe"),
    # The office, and getting somebody back in.
    "recovered": _("compte récupéré avec l’aide de la structure"),
    "office_asked": _("fermé par la structure"),
    "own_account": _("nul n’agit sur son propre compte"),
    "not_active": _("ce compte n’est pas ouvert"),
    "recovery_open": _("une demande attend déjà"),
    "recovery_over": _("cette demande n’attend plus de réponse"),
    "same_person": _("une autre personne que vous doit décider"),
    "not_your_request": _("cette demande n’est pas la vôtre"),
    # Mails.
    "mail_refused": _("refusé par le serveur de courrier"),
    "mail_unreachable": _("serveur de courrier injoignable"),
    "mail_unreadable": _("courrier illisible"),
    "departure_near": _("départ qui approche"),
    # The end of a session.
    "sign_out": _("déconnexion demandée par le membre"),
    "tool_asked": _("déconnexion demandée par un outil"),
    "replaced": _("remplacé par un plus récent"),
    "idle": _("trop longtemps sans activité"),
    "expired": _("durée écoulée"),
    "factor_removed": _("clé d’accès retirée"),
    "ended_elsewhere": _("session déjà fermée ailleurs"),
    "member_ended": _("compte fermé"),
    "ended_by_office": _("fermée par la structure"),
    "second_factor_missing": _("double vérification absente"),
    "member_closed": _("outil fermé par le membre"),
    "agreement_ended": _("accord terminé"),
    "tool_closed": _("outil retiré"),
    "ended_by_member": _("fermée par le membre depuis une autre session"),
    "alarm": _("alerte « ce n’était pas moi »"),
    "not_yours": _("session ou navigateur d’un autre membre, ou inconnu"),
    # Browsers.
    "trust_ended": _("la double vérification y est redemandée"),
    # Opening a tool.
    "not_in_group": _("outil non ouvert à ce membre"),
    "tool_unknown": _("outil inconnu"),
    "tool_was_closed": _("outil fermé par le membre auparavant"),
    "member_refused": _("refus du membre"),
    "member_inactive": _("compte fermé"),
    "session_ended": _("session terminée"),
    "access_denied": _("accès non permis"),
    "consent_ended": _("accord terminé"),
    "no_window": _("demandé sans fenêtre"),
    "consent_missing": _("accord absent"),
    "auth_too_old": _("connexion trop ancienne"),
    "consent_required": _("accord à demander"),
    "consent_form_stale": _("page d’accord périmée"),
    "interaction_required": _("information à montrer"),
    "login_required": _("connexion nécessaire"),
    "no_factor": _("pas de double vérification"),
    "acr_too_low": _("connexion pas assez sûre"),
    "acr_unknown": _("niveau de connexion inconnu"),
    "sub_mismatch": _("une autre personne est connectée"),
    "request_gone": _("demande périmée"),
    # What a tool's request says.
    "client_unknown": _("outil non reconnu"),
    "client_id_missing": _("l’outil ne se nomme pas"),
    "client_id_differs": _("l’outil se nomme autrement"),
    "redirect_uri_foreign": _("adresse de retour non enregistrée"),
    "redirect_uri_missing": _("adresse de retour absente"),
    "post_logout_redirect_uri_foreign": _("adresse de retour non enregistrée"),
    "grant_not_allowed": _("façon d’obtenir des jetons non permise"),
    "grant_not_given": _("façon d’obtenir des jetons non permise"),
    "repeated_parameter": _("paramètre répété"),
    "control_character": _("caractère interdit"),
    "nul": _("caractère interdit"),
    "too_long": _("demande trop longue"),
    "state_too_long": _("paramètre state trop long"),
    "content_type": _("forme de demande non prévue"),
    "claims_malformed": _("données demandées de façon illisible"),
    "max_age": _("âge de connexion illisible"),
    "prompt": _("mode d’affichage inconnu"),
    "prompt_create": _("création de compte demandée, ce qui n’existe pas"),
    "response_mode": _("forme de réponse non prévue"),
    "unsupported_response_type": _("type de réponse non prévu"),
    "registration_not_supported": _("enregistrement dans la demande non prévu"),
    "request_not_supported": _("demande signée d’un outil sans clé"),
    "request_uri_not_supported": _("demande à aller chercher, ce qui n’existe pas"),
    "not_pushed": _("demande à déposer d’abord"),
    "not_signed": _("demande non signée"),
    "not_jarm": _("réponse signée non demandée"),
    "two_carriers": _("demande portée deux fois"),
    "request_uri": _("demande déposée inconnue ou périmée"),
    "request_uri_used": _("demande déposée déjà utilisée"),
    "request_uri_pushed": _("demande déposée dans une autre"),
    "resource_foreign": _("ressource non permise"),
    "resource_many": _("plusieurs ressources à la fois"),
    "scope_missing": _("aucune portée connue"),
    "scope_not_allowed": _("portée non permise"),
    "pkce_missing": _("PKCE absent"),
    "pkce_malformed": _("PKCE illisible"),
    "pkce_method": _("méthode PKCE non admise"),
    "pkce_verifier": _("vérificateur PKCE faux"),
    "pkce_downgrade": _("vérificateur PKCE non attendu"),
    # How a tool proves itself.
    "no_client": _("l’outil ne se nomme pas"),
    "two_clients": _("l’outil se nomme de deux façons"),
    "two_methods": _("l’outil se prouve de deux façons"),
    "method_not_pinned": _("l’outil se prouve autrement que prévu"),
    "client_secret": _("secret de l’outil faux"),
    "secret_cannot_be_unsealed": _("secret de l’outil indéchiffrable"),
    "authorization_scheme": _("en-tête d’identification inconnu"),
    "basic_malformed": _("en-tête d’identification illisible"),
    "public_client": _("outil sans secret"),
    "keys_unavailable": _("clés de l’outil introuvables"),
    "certificate_missing": _("certificat absent"),
    "certificate_expired": _("certificat périmé"),
    "certificate_foreign": _("certificat d’un autre"),
    "assertion_type": _("preuve de l’outil d’un type inconnu"),
    # Codes and tokens.
    "code_unknown": _("code inconnu"),
    "code_expired": _("code périmé"),
    "code_replayed": _("code déjà utilisé"),
    "refresh_unknown": _("jeton de renouvellement inconnu"),
    "refresh_expired": _("jeton de renouvellement périmé"),
    "refresh_reused": _("jeton de renouvellement déjà utilisé"),
    "refresh_binding": _("jeton de renouvellement lié à une autre clé"),
    "by_tool": _("à la demande de l’outil"),
    "holder_of_key": _("jeton lié à une clé exigé"),
    "tls_binding": _("jeton lié à un autre certificat"),
    "token_missing": _("jeton absent"),
    "token_unknown": _("jeton inconnu"),
    "token_expired": _("jeton périmé"),
    "token_used_up": _("jeton épuisé"),
    "token_foreign": _("jeton d’un autre outil"),
    "token_audience": _("jeton destiné à une autre ressource"),
    "token_scope": _("portée insuffisante"),
    "token_without_person": _("jeton qui ne désigne personne"),
    "invalid_request": _("demande non valable"),
    "invalid_client": _("outil non reconnu"),
    "invalid_grant": _("code ou jeton non valable"),
    "invalid_scope": _("portée non valable"),
    "invalid_target": _("ressource inconnue"),
    "unauthorized_client": _("façon d’obtenir des jetons non permise"),
    "unsupported_grant_type": _("façon d’obtenir des jetons inconnue"),
    # Exchange.
    "exchange_public": _("échange demandé par un outil sans secret"),
    "exchange_target": _("outil destinataire non désigné"),
    "exchange_not_paired": _("échange non autorisé entre ces outils"),
    "exchange_scope": _("portée non prévue pour cet échange"),
    "subject_token_type": _("jeton à échanger d’un type non prévu"),
    "requested_token_type": _("type de jeton demandé non prévu"),
    "actor_token": _("acteur désigné, ce qui n’existe pas"),
    "subject_token_foreign": _("jeton à échanger d’un autre outil"),
    "subject_token_kind": _("jeton qui ne s’échange pas"),
    "subject_token_binding": _("jeton à échanger lié à une autre clé"),
    # Devices.
    "code_decided": _("code déjà traité"),
    "opened_elsewhere": _("code déjà saisi par quelqu’un d’autre"),
    "device_code_missing": _("code de l’appareil absent"),
    "device_code_unknown": _("code de l’appareil inconnu"),
    "device_code_expired": _("code de l’appareil périmé"),
    "device_code_used": _("code de l’appareil déjà utilisé"),
    "device_denied": _("appareil refusé par le membre"),
    "device_hasty": _("l’appareil demande trop souvent"),
    "device_pending": _("réponse du membre attendue"),
    # Tools and their registration.
    "access": _("accès modifié"),
    "self_registered": _("par l’outil lui-même"),
    "self_changed": _("par l’outil lui-même"),
    "self_removed": _("par l’outil lui-même"),
    "name_taken": _("nom d’un autre outil"),
    "name_invisible": _("nom invisible"),
    "name_letters": _("nom en lettres mêlées ou imitées"),
    "not_settable": _("réglage que l’outil ne choisit pas"),
    "secret_differs": _("secret de l’outil faux"),
    "application_type": _("type d’application inconnu"),
    "certificate_name": _("certificat désigné d’une façon non prévue"),
    "encryption_half": _("chiffrement à moitié désigné"),
    "encryption_unsupported": _("chiffrement non prévu"),
    "grant_types": _("façon d’obtenir des jetons non prévue"),
    "response_types": _("type de réponse non prévu"),
    "jwks_shape": _("clés illisibles"),
    "jwks_twice": _("clés données deux fois"),
    "redirect_uris_missing": _("adresses de retour absentes"),
    "redirect_uri_unsafe": _("adresse de retour non sûre"),
    "request_uris": _("demande à aller chercher, ce qui n’existe pas"),
    "scope": _("portée illisible"),
    "sector_identifier_uri": _("secteur choisi par l’outil"),
    "software_statement": _("attestation de logiciel, qui n’est pas lue"),
    "subject_type": _("type d’identifiant non prévu"),
    # Signing keys.
    "first": _("première clé"),
    "made": _("nouvelle clé"),
    "planned": _("à la date prévue"),
    "by_hand": _("à la main"),
    "compromised": _("clé compromise"),
    # Answers of tools.
    "too_large": _("réponse trop longue"),
    "not_json": _("réponse illisible"),
    "not_an_object": _("réponse illisible"),
}
# What was wrong with a signed token, said with the kind of token it was.
TOKENS: dict[str, Text] = {
    "assertion_": _("preuve de l’outil"),
    "dpop_": _("preuve de possession de la clé"),
    "request_object_": _("demande signée"),
    "hint_": _("jeton rappelé par l’outil"),
    "metadata_": _("réglage proposé par l’outil"),
}
FAULTS: dict[str, Text] = {
    "alg": _("algorithme non admis"),
    "typ": _("type inattendu"),
    "no_key": _("clé inconnue"),
    "kid": _("clé inconnue"),
    "signature": _("signature fausse"),
    "malformed": _("illisible"),
    "crit": _("extension inconnue"),
    "too_long": _("longueur excessive"),
    "missing": _("absente"),
    "replayed": _("déjà utilisée"),
    "jwk_private": _("clé privée envoyée"),
    "jwk_unsupported": _("sorte de clé non admise"),
    "iss": _("mauvais émetteur"),
    "aud": _("mauvais destinataire"),
    "audience": _("mauvais destinataire"),
    "sub": _("mauvais sujet"),
    "client": _("outil différent"),
    "client_id": _("outil différent"),
    "exp": _("périmée"),
    "exp_too_far": _("valable trop longtemps"),
    "too_long_lived": _("valable trop longtemps"),
    "times_missing": _("dates absentes"),
    "iat": _("mauvaise date"),
    "nbf": _("pas encore valable"),
    "jti": _("sans numéro"),
    "nested": _("demande dans une demande"),
    "too_many": _("trop de paramètres"),
    "keys_unavailable": _("clés de l’outil introuvables"),
    "response_type_differs": _("type de réponse différent"),
    "htm": _("autre méthode"),
    "htu": _("autre adresse"),
    "ath": _("autre jeton"),
    "nonce": _("nombre du serveur attendu"),
    "jkt_differs": _("autre clé"),
    "binding": _("autre clé"),
    "code_binding": _("autre clé"),
    "downgrade": _("jeton sans clé"),
    "mismatch": _("autre personne"),
    "no_id_token": _("pas un jeton d’identité"),
    "not_ours": _("non signé par Trousseau"),
    "address": _("adresse non admise"),
    "json": _("illisible"),
    "shape": _("illisible"),
    "list": _("liste illisible"),
    "number": _("nombre illisible"),
    "switch": _("ni vrai ni faux"),
    "text": _("texte illisible"),
    "unsupported": _("valeur non prévue"),
    "value": _("valeur non prévue"),
}


def reason(code: str) -> Text:
    """Why it was refused or why it ended; empty for what is not ours."""
    if code in REASONS:
        return REASONS[code]
    if code in RESULTS or re.match(r"http_\d{3}$|fault_", code):
        return result_words(code)
    for prefix, kind in TOKENS.items():
        if code.startswith(prefix):
            fault = code.removeprefix(prefix)
            general = "malformed" if fault.endswith("_malformed") else fault
            return f"{kind} ({FAULTS.get(general, fault)})"
    return ""


def moment(code: str) -> str:
    return date_format(localtime(datetime.fromisoformat(code)), "SHORT_DATETIME_FORMAT")


def state(code: str) -> Text:
    return ToolState(code).label if code in ToolState.values else ""
