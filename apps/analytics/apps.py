from django.apps import AppConfig

from chatkit import housekeeping


class AnalyticsConfig(AppConfig):
    name = "apps.analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        from apps.accounts import support
        from apps.analytics import holdings, listeners, refusals, rollup

        holdings.register()
        support.grant("analytics.view_event")
        listeners.connect()
        housekeeping.accompany(rollup.keep_up)
        housekeeping.accompany(refusals.keep_telling)
        housekeeping.at_the_end(refusals.tell_the_rest)
