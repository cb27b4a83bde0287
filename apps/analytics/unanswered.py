"""From a question without a good answer to a better answer, on one page."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import URLField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.analytics.models import AskedQuestion
from apps.chat import agents
from apps.chat.citations import Citation, citations_of
from apps.chat.models import HandledQuestion, TranscriptView, Turn
from apps.chat.transcripts import facts_of, record_view
from apps.knowledge import ingest
from apps.knowledge.conversation import context_of, language_of
from apps.knowledge.models import LONGEST_TITLE, Document
from apps.knowledge.search import Hit, default_language, find_passages
from chatkit.logging import get_logger

log = get_logger(__name__)

FOUND = 8
# Where the newest answer waits between saving and showing, so that reloading the page asks and writes nothing twice.
KEPT = "answer_tried"


def form_field(field: Any, **options: Any) -> Any:
    """What is typed without a scheme is https."""
    return field.formfield(**options, **({"assume_scheme": "https"} if isinstance(field, URLField) else {}))


class PassageForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes none when it runs
    class Meta:
        formfield_callback = form_field
        model = Document
        fields = ("title", "body", "url")
        widgets = {
            "title": forms.TextInput(attrs={"class": "vTextField"}),
            "body": forms.Textarea(attrs={"rows": 10, "class": "vLargeTextField"}),
            "url": forms.URLInput(attrs={"class": "vURLField"}),
        }
        labels = {"title": "Title", "body": "Text", "url": "Address"}

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        if not body.strip():
            raise forms.ValidationError("Write what should be answered.")
        return body


@dataclass(frozen=True, slots=True)
class Passage:
    """What a search finds for the question, and where it can be changed."""

    title: str
    text: str
    score: float
    url: str
    document_id: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """An answer that was asked for here, and that no visitor has seen."""

    content: str
    citations: tuple[Citation, ...]
    problem: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, key: UUID) -> HttpResponse:
    """For those who may read what was said and change documents."""
    if not request.user.has_perms(["chat.view_message", "knowledge.change_document"]):
        raise PermissionDenied
    turn = Turn.objects.select_related("question", "reply", "conversation").filter(pk=key).first()
    if turn is None:
        raise Http404
    document = own_document(request)
    if request.method == "POST":
        return act(request, turn, document)
    return show(request, turn, document, PassageForm(instance=document, initial=suggestion(turn, document)))


def own_document(request: HttpRequest) -> Document | None:
    """The one that is being edited. What was ingested is not edited: the next ingest would undo it."""
    asked = (request.POST if request.method == "POST" else request.GET).get("document", "")
    if not asked:
        return None
    written = Document.objects.filter(origin=Document.Origin.WRITTEN)
    found = written.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    if found is None:
        raise Http404
    return found


def suggestion(turn: Turn, document: Document | None) -> dict[str, str]:
    """A heading in the words that visitors use helps the search most."""
    return {} if document else {"title": " ".join(turn.question.content.split())[:LONGEST_TITLE]}


def act(request: HttpRequest, turn: Turn, document: Document | None) -> HttpResponse:
    match request.POST.get("action"):
        case "save":
            return save(request, turn, document)
        case "ask":
            keep(request, turn, ask_again(turn))
            return back_to(turn, document)
        case "handle":
            return handle(request, turn, document)
        case _:
            messages.error(request, "Choose one of the buttons.")
            return back_to(turn, document)


def save(request: HttpRequest, turn: Turn, document: Document | None) -> HttpResponse:
    if document is None and not request.user.has_perm("knowledge.add_document"):
        raise PermissionDenied
    form = PassageForm(request.POST, instance=document)
    if not form.is_valid():
        return show(request, turn, document, form)
    written: Document = form.save(commit=False)
    is_new = written.pk is None
    ingest.write_by_hand(written)
    note(request, written, is_new=is_new)
    keep(request, turn, ask_again(turn))
    messages.success(request, "Saved, and asked again.")
    return back_to(turn, written)


def note(request: HttpRequest, written: Document, *, is_new: bool) -> None:
    """In the history of the document, as if it had been written on its own page."""
    history = admin.site._registry[Document]
    log_it = history.log_addition if is_new else history.log_change
    log_it(request, written, "Written for a question without a good answer.")


def handle(request: HttpRequest, turn: Turn, document: Document | None) -> HttpResponse:
    """All that have been asked in the same words until now are done with."""
    keys = [turn.pk, *alike(turn)]
    rows = [HandledQuestion(turn_id=key, document=document, handled_by_id=request.user.pk) for key in keys]
    HandledQuestion.objects.bulk_create(rows, ignore_conflicts=True)
    messages.success(request, f"Handled: {len(keys)} question{'' if len(keys) == 1 else 's'} of these words.")
    return redirect("admin:index")


def alike(turn: Turn) -> Sequence[UUID]:
    asked = AskedQuestion.objects.filter(turn=turn).first()
    if asked is None:
        return []
    same = AskedQuestion.objects.filter(likeness=asked.likeness).exclude(turn=turn)
    return list(same.filter(turn__handling=None).values_list("turn_id", flat=True))


def back_to(turn: Turn, document: Document | None) -> HttpResponse:
    address = reverse("admin:unanswered", args=[turn.pk])
    return redirect(f"{address}?document={document.pk}" if document else address)


def ask_again(turn: Turn) -> dict[str, Any]:
    """The agent that visitors get, over the documents as they are; nothing of it becomes part of the conversation."""
    outcome = agents.Outcome()
    try:
        content = async_to_sync(answer_to)(turn, outcome)
    except Exception:  # a provider may fail in any way, and what was written is saved all the same
        log.exception("asking_again_failed")
        return {"problem": "The agent could not answer. The server's log says why."}
    return {"content": content, "sources": outcome.sources}


async def answer_to(turn: Turn, outcome: agents.Outcome) -> str:
    pieces = []
    async with aclosing(agents.answer(turn, outcome)) as answer:
        async for piece in answer:
            if isinstance(piece, str):
                pieces.append(piece)
    return "".join(pieces)


def keep(request: HttpRequest, turn: Turn, tried: dict[str, Any]) -> None:
    request.session[KEPT] = {"turn": str(turn.pk), **tried}


def tried_for(request: HttpRequest, turn: Turn) -> Tried | None:
    kept = request.session.get(KEPT) or {}
    if kept.get("turn") != str(turn.pk):
        return None
    return Tried(kept.get("content", ""), tuple(citations_of(kept.get("sources", ()))), kept.get("problem", ""))


def retrieved(turn: Turn) -> list[Passage]:
    """What the search finds for it at this moment, as the agent looks for it."""
    prompt = agents.prompt_for(turn)
    context = context_of(prompt.question, prompt.history, language_of(prompt.question, default_language()))
    hits = find_passages(prompt.question, limit=FOUND, context=context).hits
    written = Document.objects.filter(pk__in=[hit.document_id for hit in hits], origin=Document.Origin.WRITTEN)
    own = set(written.values_list("pk", flat=True))
    return [passage_of(hit, is_own=hit.document_id in own) for hit in hits]


def passage_of(hit: Hit, *, is_own: bool) -> Passage:
    return Passage(hit.title, hit.text, round(hit.score, 2), hit.url, hit.document_id, is_own)


def show(request: HttpRequest, turn: Turn, document: Document | None, form: PassageForm) -> HttpResponse:
    record_view(request.user.pk, TranscriptView.What.QUESTION, turn.pk, conversation=turn.conversation_id)
    context = {
        **admin.site.each_context(request),
        "title": "Find a better answer",
        "turn": turn,
        "facts": facts_of(turn),
        "feedback": getattr(turn.reply, "feedback", None),
        "citations": list(citations_of(turn.reply.sources)),
        "passages": retrieved(turn),
        "tried": tried_for(request, turn),
        "document": document,
        "form": form,
        "handled": HandledQuestion.objects.filter(turn=turn).select_related("handled_by").first(),
        "others": len(alike(turn)),
        "may_write": document is not None or request.user.has_perm("knowledge.add_document"),
    }
    return TemplateResponse(request, "admin/overview/unanswered.html", context)
