from django.urls import path

from apps.analytics import exports

app_name = "analytics"
urlpatterns = [path("export", exports.export_in_admin, name="export")]
