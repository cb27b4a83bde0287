from django.apps import AppConfig


class ChatKitConfig(AppConfig):
    name = "chatkit"
    verbose_name = "ChatKit"
