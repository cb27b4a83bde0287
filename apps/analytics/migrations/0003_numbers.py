import django.db.models.deletion
from django.db import migrations, models


def forget_days(apps, schema_editor):
    """They are added up anew."""
    apps.get_model("analytics", "Day").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_figures")]

    operations = [
        migrations.DeleteModel(name="Figure"),
        migrations.RunPython(forget_days, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Figure",
            fields=[
                ("pk", models.CompositePrimaryKey("day_id", "name", blank=True, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=40)),
                ("numbers", models.JSONField(default=dict)),
                ("day", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="figures", to="analytics.day")),
            ],
            options={"ordering": ["day", "name"]},
        ),
        migrations.RemoveIndex(model_name="askedquestion", name="analytics_asked_recent"),
        migrations.AddIndex(
            model_name="askedquestion",
            index=models.Index(fields=["created_at", "likeness"], name="analytics_asked_recent"),
        ),
        migrations.AddIndex(
            model_name="askedquestion",
            index=models.Index(
                condition=models.Q(("is_unsourced", True), ("is_retried", True), _connector="OR"),
                fields=["created_at", "likeness", "is_unsourced", "is_retried", "turn"],
                name="analytics_asked_in_vain",
            ),
        ),
    ]
