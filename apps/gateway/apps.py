from django.apps import AppConfig

from chatkit import housekeeping


class GatewayConfig(AppConfig):
    name = "apps.gateway"
    verbose_name = "Model providers"

    def ready(self) -> None:
        from apps.gateway import choice, standing

        standing.register()
        housekeeping.accompany(choice.warm)
