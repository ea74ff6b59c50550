from django.apps import AppConfig


class IdpConfig(AppConfig):
    name = "idp"

    def ready(self) -> None:
        from idp import receivers  # noqa: F401 (connected by being imported)
        from idp.signin import receivers as signin_receivers  # noqa: F401
