"""Addresses of sign-in, under allauth's names.  No sign-up, no mail management, no password of the hub's own."""

from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.cache import never_cache

from idp.signin import views
from idp.views import logout

FACTORS = "double-verification/"
urlpatterns = [
    path("connexion/", views.SignIn.as_view(), name="account_login"),
    path("deconnexion/", logout.sign_out, name="account_logout"),
    path("confirmer/", never_cache(views.ConfirmIdentity.as_view()), name="account_reauthenticate"),
    path("connexion/code/", views.EnterCode.as_view(), name="mfa_authenticate"),
    path("confirmer/code/", never_cache(mfa.reauthenticate), name="mfa_reauthenticate"),
    path(FACTORS, never_cache(mfa.index), name="mfa_index"),
    # allauth answers 403 to strangers here; a page that asks who they are is kinder.
    path(f"{FACTORS}activer/", never_cache(login_required(totp.activate_totp)), name="mfa_activate_totp"),
    path(f"{FACTORS}retirer/", never_cache(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path(f"{FACTORS}codes/", never_cache(views.RecoveryCodes.as_view()), name="mfa_view_recovery_codes"),
    path(
        f"{FACTORS}codes/creer/",
        never_cache(login_required(codes.generate_recovery_codes)),
        name="mfa_generate_recovery_codes",
    ),
    path(f"{FACTORS}codes/telecharger/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
]
