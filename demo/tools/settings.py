"""Settings of a demonstration tool; the supervisor gives the environment of each process."""

from demo.tools.config import CONFIG, HTTP_TIMEOUT_SECONDS

SECRET_KEY = CONFIG.secret_key
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "demo.tools.urls"
INSTALLED_APPS = [
    "demo.tools.apps.ToolsConfig",
    "mozilla_django_oidc",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "demo.tools.middleware.policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "demo.tools.texts.context",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(CONFIG.data_dir / f"{CONFIG.name}.sqlite3"),
        "OPTIONS": {
            "timeout": 10,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
TIME_ZONE = "Europe/Paris"
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# Cookies know no ports: on localhost, the hub and every tool share one jar, so names must differ.
SESSION_COOKIE_NAME = f"{CONFIG.name}_session"
CSRF_COOKIE_NAME = f"{CONFIG.name}_csrf"
LANGUAGE_COOKIE_NAME = f"{CONFIG.name}_language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.origin.startswith("https://")

AUTHENTICATION_BACKENDS = ["demo.tools.signin.HubBackend"]
LOGIN_REDIRECT_URL = "/"
LOGIN_REDIRECT_URL_FAILURE = "/connexion/echec/"
OIDC_CALLBACK_CLASS = "demo.tools.signin.CallbackView"
OIDC_RP_CLIENT_ID = CONFIG.client_id
OIDC_RP_CLIENT_SECRET = CONFIG.client_secret
OIDC_RP_SCOPES = CONFIG.scopes
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_OP_AUTHORIZATION_ENDPOINT = f"{CONFIG.hub}/oidc/authorize"
OIDC_OP_TOKEN_ENDPOINT = f"{CONFIG.hub}/oidc/token"
OIDC_OP_USER_ENDPOINT = f"{CONFIG.hub}/oidc/userinfo"
OIDC_OP_JWKS_ENDPOINT = CONFIG.jwks_endpoint
OIDC_TOKEN_USE_BASIC_AUTH = CONFIG.basic_auth
OIDC_USE_PKCE = True
OIDC_USE_NONCE = True
OIDC_TIMEOUT = HTTP_TIMEOUT_SECONDS
OIDC_STORE_ID_TOKEN = True
