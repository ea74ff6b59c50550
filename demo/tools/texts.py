"""The tools' words in both languages; they are too few for a catalogue."""

from django.http import HttpRequest
from django.utils.translation import get_language

from demo.tools.config import CONFIG

NBSP = "\u00a0"

_PAIRS: dict[str, tuple[str, str]] = {
    "member": ("Membre de la coopérative", "Member of the cooperative"),
    "yes": ("oui", "yes"),
    "no": ("non", "no"),
    "skip": ("Aller au contenu", "Skip to content"),
    "sign_in": ("Se connecter avec Trousseau", "Sign in with Trousseau"),
    "sign_out": ("Se déconnecter", "Sign out"),
    "back": ("Mes outils", "My tools"),
    "hello": ("Bonjour", "Hello"),
    "stand_in": (
        "Outil de démonstration : les données affichées sont inventées.",
        "Demonstration tool: the content shown is made up.",
    ),
    "left_title": ("Vous êtes déconnecté·e", "You are signed out"),
    "left_text": (
        "Votre session est terminée ici et dans Trousseau.",
        "Your session has ended here and in Trousseau.",
    ),
    "failed_title": ("La connexion n’a pas abouti", "Signing in did not work"),
    "failed_text": (
        "La réponse reçue n’est pas valable ou n’est plus valable. Recommencez depuis vos outils.",
        "The answer that came is not valid, or no longer. Start again from your tools.",
    ),
    "refused_title": ("Vous n’êtes pas entré·e", "You did not enter"),
    "refused_text": (
        "L’accès n’a pas été accordé : vous avez refusé, ou cet outil ne vous est pas ouvert. Rien n’a été transmis.",
        "Access was not granted: you refused, or this tool is not open to you. Nothing was handed over.",
    ),
    "retry": ("Réessayer", "Try again"),
    "received_title": ("Ce que Trousseau m’a transmis", "What Trousseau handed over to me"),
    "received_text": (
        "Voici toutes les données reçues à votre connexion, ni plus ni moins.",
        "These are all the data received when you signed in, no more and no less.",
    ),
    "technical_title": ("Partie technique de la connexion", "Technical part of signing in"),
    "column_data": ("Donnée", "Data"),
    "column_value": ("Valeur", "Value"),
    "column_channel": ("Reçue par", "Received by"),
    "id_token": ("jeton d’identité", "ID token"),
    "userinfo": ("userinfo", "userinfo"),
    "claim_name": ("Nom affiché", "Display name"),
    "claim_given_name": ("Prénom", "First name"),
    "claim_family_name": ("Nom de famille", "Last name"),
    "claim_preferred_username": ("Identifiant de connexion", "Sign-in name"),
    "claim_locale": ("Langue", "Language"),
    "claim_email": ("Adresse e-mail", "E-mail address"),
    "claim_email_verified": ("E-mail vérifié", "E-mail verified"),
    "claim_phone_number": ("Téléphone", "Telephone"),
    "claim_address": ("Adresse postale", "Postal address"),
    "claim_locality": ("Commune", "Town"),
    "claim_headline": ("Métier", "Trade"),
    "claim_organisation": ("Nom d’activité", "Business name"),
    "claim_employee_number": ("Numéro de membre", "Member number"),
    "claim_groups": ("Collectifs", "Collectives"),
    "claim_sub": ("Identifiant propre à cet outil", "Identifier for this tool only"),
    "claim_sid": ("Numéro de session propre à cet outil", "Session number for this tool only"),
    # Louty
    "louty_name": ("Louty", "Louty"),
    "louty_tagline": ("Suivez votre activité", "Follow your activity"),
    "louty_welcome": (
        "Factures, dépenses et prévisions de votre activité, au même endroit que votre coopérative.",
        "Invoices, expenses and forecasts of your activity, where your cooperative has them too.",
    ),
    "overview": ("Tableau de bord", "Overview"),
    "billed": ("Facturé ce mois", "Billed this month"),
    "collected": ("Encaissé", "Collected"),
    "expected": ("À recevoir", "Expected"),
    "invoices": ("Dernières factures", "Latest invoices"),
    "number": ("Numéro", "Number"),
    "client": ("Client", "Client"),
    "date": ("Date", "Date"),
    "amount": ("Montant", "Amount"),
    "state": ("État", "State"),
    "state_paid": ("payée", "paid"),
    "state_sent": ("envoyée", "sent"),
    "state_late": ("en retard", "overdue"),
    "state_draft": ("brouillon", "draft"),
    # Formation
    "formation_name": ("Formation", "Training"),
    "formation_tagline": ("Apprendre entre coopérateurs", "Learning among members"),
    "formation_welcome": (
        "Le catalogue de la saison, vos inscriptions et vos attestations.",
        "This season’s catalogue, your registrations and your certificates.",
    ),
    "catalogue": ("Les prochaines formations", "Coming courses"),
    "hours": ("heures", "hours"),
    "places": ("places libres", "places left"),
    "full": ("complet", "full"),
    "course_price": ("Fixer son prix", "Setting your price"),
    "course_price_about": (
        "Du temps passé au devis : une journée pour ne plus vendre à perte.",
        "From hours spent to the quote: one day to stop selling at a loss.",
    ),
    "course_accounting": ("Lire ses comptes", "Reading your accounts"),
    "course_accounting_about": (
        "Comprendre le compte d’activité que la coopérative tient pour vous.",
        "Understand the activity account that the cooperative keeps for you.",
    ),
    "course_speaking": ("Prendre la parole", "Speaking up"),
    "course_speaking_about": (
        "Présenter son métier en deux minutes, puis en vingt.",
        "Presenting your trade in two minutes, then in twenty.",
    ),
    "course_safety": ("Premiers secours", "First aid"),
    "course_safety_about": (
        "Les gestes qui sauvent, sur un chantier ou ailleurs.",
        "What saves lives, on site or not.",
    ),
    "course_website": ("Son site, sans s’y perdre", "A website without getting lost"),
    "course_website_about": (
        "Deux jours pour une page claire et tenue à jour.",
        "Two days for a clear page, kept current.",
    ),
    "course_cooperate": ("Devenir associé·e", "Becoming an associate"),
    "course_cooperate_about": (
        "Ce que décide une assemblée, et comment y peser.",
        "What a general meeting decides, and how to weigh in.",
    ),
}


def words() -> dict[str, str]:
    """Every text in the language of this request, French spacing included."""
    english = (get_language() or "fr").startswith("en")
    if english:
        return {key: pair[1] for key, pair in _PAIRS.items()}
    return {key: pair[0].replace(" :", f"{NBSP}:") for key, pair in _PAIRS.items()}


def context(request: HttpRequest) -> dict[str, object]:
    chosen = words()
    return {
        "t": chosen,
        "tool": CONFIG.name,
        "tool_name": chosen[f"{CONFIG.name}_name"],
        "tool_tagline": chosen[f"{CONFIG.name}_tagline"],
        "tool_welcome": chosen[f"{CONFIG.name}_welcome"],
        "hub": CONFIG.hub,
        "language": (get_language() or "fr")[:2],
    }
