"""Django's settings, derived from ``hub.env``."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from hub import logs, mail
from hub.env import ROOT, load

env = load()

BASE_DIR = ROOT
ORIGIN = env.origin.rstrip("/")
DEMO = env.demo
DEBUG = False
SECRET_KEY = env.secret_key.get_secret_value()
KEY_ENCRYPTION_KEY = env.key_encryption_key.get_secret_value()
PAIRWISE_SALT = env.pairwise_salt.get_secret_value()
ISSUER = ORIGIN
ALLOWED_HOSTS = [urlsplit(ORIGIN).hostname or "localhost"]
SECURE = ORIGIN.startswith("https://")
# RFC 6265bis §4.1.3.2: browsers take a cookie of such a name from this host alone, never from a neighbour's domain.
HOST_ONLY = "__Host-" if SECURE else ""
DATA_DIR: Path = env.data_dir
JOURNAL_IN_WORKER: bool = env.journal_in_worker
JOURNAL_BEFORE_ADMINISTRATION: bool = env.journal_before_administration
PUBLISH_LOG = env.publish_log
STREAM_URL = env.stream_url
STREAM_CA_FILE = env.stream_ca_file
STREAM_CERTIFICATE_FILE = env.stream_certificate_file
STREAM_CONFIRMS = env.stream_confirms
STREAM_FILE = env.stream_file
STREAM_PEOPLE = env.stream_people
WITNESS_SILENCE = timedelta(days=env.witness_silent_days)

AUDIT_DIR: Path = env.audit_dir or DATA_DIR / "audit"

INSTALLED_APPS = [
    "hub",
    "launcher",
    "collectives",
    "news",
    "idp",
    "consent",
    "branding",
    "directory",
    "audit",
    "oauth2_provider",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "hub.middleware.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "hub.back_channel.BackChannel",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "idp.middleware.Whereabouts",
    "idp.middleware.SessionLimits",
    "idp.middleware.SecondFactorDue",
    "idp.middleware.BrowserState",
    "idp.middleware.FormAction",
    "hub.middleware.Errors",
    "hub.middleware.NoStore",
]
ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "hub" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hub.context.hub",
            ]
        },
    }
]

# Data --------------------------------------------------------------------------------------------------------
DATABASES: dict[str, Any]
if env.database_url:
    DATABASES = {
        "default": dj_database_url.parse(env.database_url, conn_max_age=300, conn_health_checks=True),
    }
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        DATABASES["default"]["ENGINE"] = "hub.postgresql"
        DATABASES["default"]["OPTIONS"] = {
            "connect_timeout": 2,
            # Parsed and planned once per connection, not at every request.
            "server_side_binding": True,
            "prepare_threshold": 3,
            **DATABASES["default"].get("OPTIONS", {}),
        }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(DATA_DIR / "hub.sqlite3"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 10,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                # What was erased is overwritten where it stood, and does not wait in the file for its place to be used.
                "PRAGMA secure_delete=ON;",
            },
        }
    }
# Attempt limits and replay marks live in the cache: it must be one for all processes (checked at start).
CACHES: dict[str, Any]
if env.cache_url:
    CACHES = {
        "default": {
            "BACKEND": "hub.redis.RedisCache",
            "LOCATION": env.cache_url,
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
    SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "hub_cache",
            # Django keeps 300, and then deletes a third of what counts still: whoever tries enough names, from enough
            # networks, would push the counters of others out.  Above this many, what is over is deleted and no more.
            "OPTIONS": {"MAX_ENTRIES": 20_000, "CULL_FREQUENCY": 10**9},
        }
    }
    SESSION_ENGINE = "django.contrib.sessions.backends.db"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Language and time ----------------------------------------------------------------------------------------
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("Français")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "hub" / "locale"]
FORMAT_MODULE_PATH = ["hub.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Paris"
LANGUAGE_COOKIE_NAME = f"{HOST_ONLY}trousseau_language"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = SECURE

# Static files ---------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = False

# Sessions and cookies -------------------------------------------------------------------------------------
SESSION_COOKIE_NAME = f"{HOST_ONLY}trousseau_session"
SESSION_COOKIE_AGE = int(timedelta(days=env.session_absolute_days).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = False
SESSION_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_IDLE = timedelta(hours=env.session_idle_hours)
SESSION_ABSOLUTE = timedelta(days=env.session_absolute_days)
CSRF_COOKIE_NAME = f"{HOST_ONLY}trousseau_csrf"
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "hub.views.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_SSL_REDIRECT = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.trusted_proxies else None
X_FRAME_OPTIONS = "DENY"
# form-action gains this request's redirect origin in the authorize view: browsers apply it to redirects too.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
# A record of the register has so many rows, each with its fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
# One photo, in memory; whatever is larger is read to its end and kept nowhere.
FILE_UPLOAD_HANDLERS = ["hub.uploads.Uploads"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 15_100_000

# Directory --------------------------------------------------------------------------------------------------
LDAP = {
    "uri": env.ldap_uri,
    "base": env.ldap_base,
    "people_base": env.ldap_people_base,
    "groups_base": env.ldap_groups_base,
    "bind_dn": env.ldap_bind_dn,
    "bind_password": env.ldap_bind_password.get_secret_value(),
    "write_dn": env.ldap_write_dn,
    "write_password": env.ldap_write_password.get_secret_value(),
    "ca_file": env.ldap_ca_file,
    "start_tls": env.ldap_start_tls,
    "timeout_seconds": env.ldap_timeout_seconds,
}
DIRECTORY_MAX_AGE = timedelta(hours=env.directory_max_age_hours)
DIRECTORY_MEMORY_BYTES = env.directory_memory_mb * 2**20

# Members and sign-in --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "directory.Member"
AUTHENTICATION_BACKENDS = ["directory.backends.DirectoryBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("launcher:home")
LOGOUT_REDIRECT_URL = reverse_lazy("idp:logged_out")

PASSWORD_MIN_LENGTH = env.password_min_length
INVITATION_LIFETIME = timedelta(days=env.invitation_days)
RESET_LIFETIME = timedelta(minutes=env.reset_minutes)
BROWSER_TRUST = timedelta(days=env.trusted_browser_days)
SECOND_FACTOR_GRACE = timedelta(days=env.second_factor_grace_days)
ROLES_NEED_SECOND_FACTOR = env.roles_need_second_factor
KNOWN_NETWORKS = env.known_networks
BROWSER_COOKIE_NAME = f"{HOST_ONLY}trousseau_browser"
REQUESTS_KEPT = timedelta(days=env.requests_kept_days)
LEAVER_RETENTION = timedelta(days=env.leaver_retention_days)
ABSENCE = timedelta(days=env.absence_days)
ACCOUNT_ADAPTER = "idp.signin.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_CHANGE_EMAIL = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_FORMS = {
    "login": "idp.signin.forms.SignInForm",
    "reauthenticate": "idp.signin.forms.ConfirmIdentityForm",
}
# A flood is stopped before anything is looked at, by network.  ``idp.services.accounts.attempts`` counts failures: the
# library's own count clears the network's with a success, and knows neither accounts nor browsers.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": None, "reauthenticate": "10/m/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.trusted_proxies
MFA_ADAPTER = "idp.signin.adapter.FactorAdapter"
MFA_FORMS = {
    "authenticate": "idp.signin.forms.CodeForm",
    "reauthenticate": "idp.signin.forms.ConfirmCodeForm",
    "activate_totp": "idp.signin.forms.EnrolForm",
}
# Without "recovery_codes": allauth would make and keep them in a form that can be read again; they are the hub’s own.
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_TOTP_TOLERANCE = 1
COOPERATIVE = env.cooperative_name

# OAuth toolkit --------------------------------------------------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "idp.Tool"
OAUTH2_PROVIDER_GRANT_MODEL = "idp.Grant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "idp.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "idp.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "idp.IDToken"  # noqa: S105
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "idp.DeviceGrant"
CODE_LIFETIME = timedelta(seconds=60)
ACCESS_TOKEN_LIFETIME = timedelta(minutes=10)
ID_TOKEN_LIFETIME = timedelta(minutes=10)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
LOGOUT_TOKEN_LIFETIME = timedelta(minutes=2)
KEY_ROTATION = timedelta(days=env.key_rotation_days)
KEY_PUBLISH_AHEAD = timedelta(hours=env.key_publish_ahead_hours)
KEY_HINT_PERIOD = timedelta(days=env.key_hint_days)
# How long a retired key stays in the key set once the last token it signed is over: tools’ clocks differ.
KEY_SET_MARGIN = timedelta(days=1)
CLOUD_URL = env.cloud_url
CLOUD_USER = env.cloud_user
CLOUD_PASSWORD = env.cloud_password.get_secret_value()
OUTGOING_NETWORKS = env.outgoing_networks
CLIENT_CERTIFICATE_HEADER = env.client_certificate_header
CLIENT_CERTIFICATE_VERIFY_HEADER = env.client_certificate_verify_header
CLIENT_CERTIFICATE_PROXIES = env.client_certificate_proxies
CLIENT_CERTIFICATE_ORIGIN = env.client_certificate_origin.rstrip("/")
DPOP_NONCES = env.dpop_nonces
DYNAMIC_REGISTRATION = env.dynamic_registration
REGISTRATION_OPENS = env.registration_opens or env.demo
REGISTRATION_MANAGEMENT = env.registration_management
DOCUMENTATION_URL = env.documentation_url
POLICY_URL = env.policy_url
SCOPES = ["openid", "profile", "email", "phone", "address", "groups", "offline_access"]
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": ORIGIN,
    "OAUTH2_VALIDATOR_CLASS": "idp.oauth.validator.Validator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": int(CODE_LIFETIME.total_seconds()),
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"],
    "SCOPES": {name: name for name in SCOPES},
}

OFFICE_CONTACT = env.office_contact
DPO_CONTACT = env.dpo_contact
BREACH_HOURS = env.breach_hours

# Mail -----------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.mail_from
EMAIL_TIMEOUT = 10
if _mail := mail.server(env.mail_url):
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.host
    EMAIL_PORT = _mail.port
    EMAIL_HOST_USER = _mail.user
    EMAIL_HOST_PASSWORD = _mail.password
    EMAIL_USE_SSL = _mail.tls_first
    EMAIL_USE_TLS = _mail.starttls
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")

# Technical log ------------------------------------------------------------------------------------------------
LOGGING = logs.configuration(env.log_level)

SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # HSTS follows the scheme of the configured origin
    "security.W008",  # so does the redirect to TLS, which the front proxy does
]
