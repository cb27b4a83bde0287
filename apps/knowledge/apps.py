from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "apps.knowledge"
    verbose_name = "Knowledge"

    def ready(self) -> None:
        from apps.accounts import support

        support.grant("knowledge.view_document", "knowledge.view_passage")
