"""Addresses of sign-in, under allauth's names where it has one.  No sign-up and no mail management."""

from allauth.mfa.base import views as mfa
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.cache import never_cache

from idp.signin import passwords, views, welcome
from idp.signin.reauth import View, fresh_proof
from idp.views import logout

FACTORS = "double-verification/"


def proved(view: View) -> View:
    """A page where factors are looked at or changed."""
    return never_cache(fresh_proof(view))


urlpatterns = [
    path("connexion/", views.SignIn.as_view(), name="account_login"),
    path("connexion/cle/", never_cache(views.EnterByPasskey.as_view()), name="mfa_login_webauthn"),
    path("connexion/cle/options/", never_cache(views.passkey_options), name="mfa_login_webauthn_options"),
    path("deconnexion/", logout.sign_out, name="account_logout"),
    path("confirmer/", never_cache(views.ConfirmIdentity.as_view()), name="account_reauthenticate"),
    path("connexion/code/", views.EnterCode.as_view(), name="mfa_authenticate"),
    path("confirmer/code/", never_cache(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("confirmer/cle/", never_cache(views.ConfirmByPasskey.as_view()), name="mfa_reauthenticate_webauthn"),
    path(FACTORS, never_cache(login_required(views.security)), name="mfa_index"),
    path(f"{FACTORS}choisir/", never_cache(login_required(views.choose_factor)), name="mfa_choose"),
    path(f"{FACTORS}activer/", proved(views.ActivateApp.as_view()), name="mfa_activate_totp"),
    path(f"{FACTORS}retirer/", proved(views.RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path(f"{FACTORS}cles/ajouter/", proved(views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(f"{FACTORS}cles/<int:pk>/renommer/", proved(views.rename_passkey), name="mfa_edit_webauthn"),
    path(f"{FACTORS}cles/<int:pk>/retirer/", proved(views.remove_passkey), name="mfa_remove_webauthn"),
    path(f"{FACTORS}codes/", proved(views.recovery_codes_page), name="mfa_view_recovery_codes"),
    path(f"{FACTORS}codes/creer/", proved(views.new_recovery_codes), name="mfa_generate_recovery_codes"),
    path(f"{FACTORS}codes/telecharger/", proved(views.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("oubli/", passwords.Forgotten.as_view(), name="account_forgotten"),
    path("oubli/envoye/", passwords.forgotten_sent, name="account_forgotten_sent"),
    path("lien/", passwords.LinkPage.as_view(), name="account_link_page"),
    path("lien/perime/", passwords.link_refused, name="account_link_refused"),
    path("lien/<str:secret>/", passwords.open_link, name="account_link"),
    path("choisir/", passwords.ChoosePassword.as_view(), name="account_choose_password"),
    path("mot-de-passe/", passwords.ChangePassword.as_view(), name="account_password"),
    path("bienvenue/", welcome.Notice.as_view(), name="account_notice"),
    path("bienvenue/cle/", welcome.passkey_offer, name="account_passkey_offer"),
    path("premier/", welcome.first_steps, name="account_first"),
]
