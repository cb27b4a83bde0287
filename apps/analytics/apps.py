from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "apps.analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        from apps.analytics import holdings, listeners

        holdings.register()
        listeners.connect()
