from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ChatKitConfig(AppConfig):
    name = "chatkit"
    verbose_name = "ChatKit"
    default = True


class AdminConfig(admin.AdminConfig):
    default = False
    default_site = "chatkit.admin.AdminSite"
