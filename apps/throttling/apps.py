from django.apps import AppConfig

from chatkit import retention


class ThrottlingConfig(AppConfig):
    name = "apps.throttling"
    verbose_name = "Limits"

    def ready(self) -> None:
        from apps.throttling.models import Counter

        retention.register("limit windows that ended", Counter.objects.expired)
