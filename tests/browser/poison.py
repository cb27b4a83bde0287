"""Run in the server's own shell: fills every text field of every model with markup, and prints the pages to open."""

import json
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from apps.accounts.models import Session, SignIn, User, VerificationToken, Visitor
from apps.analytics.models import Event
from apps.chat.models import (
    Conversation,
    Feedback,
    HandledQuestion,
    Message,
    SavedChat,
    TranscriptView,
    Turn,
    TurnEvent,
)
from apps.gateway.models import SiteInstructions
from apps.knowledge.ingest import write_by_hand
from apps.knowledge.models import Document
from apps.throttling.models import Counter

EVIL = '<poison-tag></poison-tag><img src=x onerror="window.poisoned=1"><script>window.poisoned=2;alert(1)</script>"\'>'
LINK = "javascript:window.poisoned=3"
# What the database or the code checks cannot hold markup, and what decides where a row appears must stay as it is.
KEPT = {"status", "role", "kind", "tier", "origin", "mode", "action_flag", "purpose", "outcome", "method", "what",
        "password", "digest", "source", "network", "language", "tenant_id", "refresh_jti", "term_stamp"}  # fmt: skip


def poison(row: models.Model) -> models.Model:
    """Each text field, as far as it reaches."""
    for field in row._meta.concrete_fields:
        is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
        if is_text and field.name not in KEPT and not isinstance(field, models.EmailField):
            setattr(row, field.attname, EVIL[: field.max_length] if field.max_length else EVIL)
    row.save()
    return row


now = timezone.now()
later = now + timedelta(days=1)
owner = User.objects.get()
person = User.objects.create(email="<b>poison-tag</b>@example.com", name=EVIL)
visitor = poison(Visitor.objects.create(expires_at=later, claimed_by=person, claimed_at=now))
poison(Session.objects.create(user=person, expires_at=later))
poison(VerificationToken.objects.create(digest=uuid4().hex, email=person.email, visitor=visitor, expires_at=later))
poison(SignIn.objects.create(user=person, email=person.email, method="password", outcome="failed"))
poison(Group.objects.create(name="x"))
document = Document(title=EVIL, body=f"# {EVIL}\n\n{EVIL}\n\nThe oven is hot.", url="")
write_by_hand(document)
cited = {"id": "1", "title": EVIL, "url": LINK, "excerpt": EVIL, "score": 0.5, EVIL: EVIL}
chat = poison(Conversation.objects.create(user=person))
question = poison(Message.objects.create(conversation=chat, role="user"))
reply = poison(Message.objects.create(conversation=chat, role="assistant", sources=[cited], metadata={EVIL: EVIL}))
turn = poison(Turn.objects.create(conversation=chat, question=question, reply=reply, status="failed",
                                  context={EVIL: EVIL}, first_token_at=now, ended_at=now))  # fmt: skip
TurnEvent.objects.create(turn=turn, seq=0, event_type=EVIL[:32], body={EVIL: EVIL})
poison(Feedback.objects.create(message=reply, rating=-1))
said = [{"role": "user", "content": EVIL}, {"role": "assistant", "content": EVIL, "sources": [cited]}]
poison(SavedChat.objects.create(user=person, conversation=chat, messages=said))
poison(TranscriptView.objects.create(staff=person, what="export", conversation_key=chat.pk))
HandledQuestion.objects.create(turn=turn, document=document, handled_by=person)
poison(Event.objects.create(source="client", user=person, visitor_id=visitor.pk, event_data={EVIL: EVIL}))
poison(Counter.objects.create(count=9, maximum=1, started_at=now, expires_at=later))
poison(SiteInstructions.objects.create(changed_by=person))
kinds = ContentType.objects.get_for_model(Conversation), ContentType.objects.get_for_model(Document)
for kind, row in zip(kinds, (chat, document), strict=True):
    poison(LogEntry.objects.create(user=person, content_type=kind, action_flag=CHANGE)).__class__.objects.filter(
        content_type=kind).update(object_id=str(row.pk))  # fmt: skip
# A second turn, whose question nobody has handled, for the overview.
asked = poison(Message.objects.create(conversation=chat, role="user"))
told = poison(Message.objects.create(conversation=chat, role="assistant", sources=[cited]))
wanting = poison(Turn.objects.create(conversation=chat, question=asked, reply=told, status="completed",
                                     ended_at=now))  # fmt: skip
Feedback.objects.create(message=told, rating=-1, comment=EVIL)

pages = ["/admin/", "/admin/?days=365", f"/admin/unanswered/{wanting.pk}/", f"/admin/unanswered/{turn.pk}/",
         f"/admin/unanswered/{wanting.pk}/?document={document.pk}", "/admin/throttling/counter/limits/",
         f"/admin/?from={quote(EVIL)}", "/admin/password_change/"]  # fmt: skip
for model in admin.site._registry:
    at = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    row = model._default_manager.exclude(pk=owner.pk if model is User else None).first()
    pages += [at, f"{at}?q={quote(EVIL)}", f"{at}?q=oven", f"{at}{quote(str(row.pk))}/change/",
              f"{at}{quote(str(row.pk))}/history/"]  # fmt: skip
for app in sorted({model._meta.app_label for model in admin.site._registry}):
    pages.append(f"/admin/{app}/")
pages += [f"/admin/knowledge/document/{document.pk}/delete/", f"/admin/accounts/user/{person.pk}/delete/"]
print(json.dumps(pages))
