"""What the site's owner tells the model, version by version."""

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_INSTRUCTIONS = 8_000


class SiteInstructions(models.Model):
    """Each change is a row of its own; the newest counts, and an empty one means the setting AGENT_INSTRUCTIONS."""

    text = models.TextField(
        "instructions",
        blank=True,
        max_length=LONGEST_INSTRUCTIONS,
        help_text="Who you are, what to call things, what not to talk about. The model is told this besides the rules "
        "of ChatKit, from the next question on. Every change is kept; empty means the setting AGENT_INSTRUCTIONS.",
    )
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "site instructions"
        verbose_name_plural = "site instructions"

    def __str__(self) -> str:
        return f"Version {self.pk}, {self.changed_at:%Y-%m-%d %H:%M}"


def written_instructions() -> str:
    return SiteInstructions.objects.values_list("text", flat=True).first() or ""


def site_instructions() -> str:
    """What counts for the next question, in every process."""
    return written_instructions() or str(settings.CHATKIT.agent_instructions)
