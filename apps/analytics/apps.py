from django.apps import AppConfig

from chatkit import housekeeping


class AnalyticsConfig(AppConfig):
    name = "apps.analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        from apps.analytics import holdings, listeners, rollup

        holdings.register()
        listeners.connect()
        housekeeping.accompany(rollup.keep_up)
