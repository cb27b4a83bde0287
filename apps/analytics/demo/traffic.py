"""A plausible week of somebody's site, the same for the same seed and day: to look at reports before there are any."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from apps.accounts.models import Tier, User, Visitor
from apps.analytics.models import Event
from apps.analytics.periods import ONE_DAY, begin_of, day_of
from apps.chat import agents
from apps.chat.models import Conversation, Feedback, Message, Turn
from apps.knowledge import answers

# Networks that are set aside for documentation: nobody real comes from there, so that demo rows are told apart.
NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
BROWSER = "ChatKit demo traffic"
EMAIL_DOMAIN = "demo.invalid"
VISITORS_A_DAY = 110
BY_WEEKDAY = (1.0, 1.1, 1.15, 1.05, 0.9, 0.45, 0.4)
BY_HOUR = (2, 1, 1, 1, 1, 2, 4, 9, 16, 24, 27, 25, 19, 21, 25, 26, 23, 18, 13, 11, 10, 9, 7, 4)
NAMES = ("ada", "ben", "chloe", "dan", "eve", "finn", "grace", "hugo", "ines", "jack", "kira", "leo", "mia", "noah")
LONGEST_TITLE = 80
QUESTIONS = Path(__file__).with_name("questions.txt")


@dataclass(frozen=True, slots=True)
class Model:
    """Who answers, and how fast."""

    agent: str
    name: str
    first_token_ms: float
    total_ms: float


LOCAL = Model("local", "local", 14, 30)
REMOTE = Model("anthropic", "claude-sonnet-4-5", 620, 3_400)


@dataclass(slots=True)
class Guest:
    """One visitor, who may come again and may sign up."""

    visitor: Visitor
    user: User | None = None

    @property
    def whose(self) -> dict[str, Any]:
        return {"visitor_id": None, "user_id": self.user.id} if self.user else {"visitor_id": self.visitor.id}


@dataclass(slots=True)
class Rows:
    """Everything that is to be written, in the order in which one refers to another."""

    users: list[User] = field(default_factory=list)
    visitors: list[Visitor] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    feedback: list[Feedback] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Traffic:
    """Draws everything from one source of chance, so that the same seed tells the same story."""

    def __init__(self, *, seed: int, scale: float, until: datetime) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a story, not a secret
        self._scale = scale
        self._weights, self._wordings = read_questions()
        self._answers: dict[str, answers.Answer] = {}
        self._regulars: list[Guest] = []
        self._members: list[Guest] = []
        self._until = until
        self.rows = Rows()

    def generate(self, days: int) -> Rows:
        for number in range(days):
            self._day(day_of(self._until) - (days - 1 - number) * ONE_DAY, growth=1 + 0.35 * number / days)
        return self.rows

    def _day(self, day: date, *, growth: float) -> None:
        expected = VISITORS_A_DAY * BY_WEEKDAY[day.weekday()] * growth * self._scale
        for _ in range(round(expected * self._chance.uniform(0.9, 1.1))):
            moment = self._moment(day)
            if moment < self._until:
                self._visit(self._guest(moment), moment)
        for hour in range(24):
            self._by_itself(begin_of(day) + timedelta(hours=hour, minutes=self._chance.uniform(0, 59)))

    def _moment(self, day: date) -> datetime:
        (hour,) = self._chance.choices(range(24), BY_HOUR)
        return begin_of(day) + timedelta(hours=hour, seconds=self._chance.uniform(0, 3_599))

    def _guest(self, moment: datetime) -> Guest:
        """One in five has been here before; who signed up comes again more often."""
        if self._regulars and self._chance.random() < 1 / 5:
            return self._chance.choice(
                self._members if self._members and self._chance.random() < 0.4 else self._regulars
            )
        later = moment + timedelta(days=30)
        times = {"created_at": moment, "last_activity": moment, "expires_at": max(later, self._until + ONE_DAY)}
        guest = Guest(Visitor(id=self._key(), user_agent=BROWSER, **times))
        self.rows.visitors.append(guest.visitor)
        self._regulars.append(guest)
        return guest

    def _visit(self, guest: Guest, moment: datetime) -> None:
        network = self._chance.choice(NETWORKS)
        self._tell(guest, "widget_loaded", moment, network, locale=self._chance.choice(("en", "en", "en", "de", "fr")))
        if guest.user is not None:
            self._notice(guest, "login", moment, network, method="email")
        if self._chance.random() > 0.46:
            return
        asked = 1 + min(9, int(self._chance.expovariate(1 / 1.4)))
        moment = self._talk(guest, moment, network, asked)
        if guest.user is not None:
            self._afterwards(guest, moment, network)
        elif asked >= 5 or self._chance.random() < 0.2:
            self._invite(guest, moment, network)

    def _talk(self, guest: Guest, moment: datetime, network: str, asked: int) -> datetime:
        """Some questions, one after the other, in one conversation."""
        chat: Conversation | None = None
        for _ in range(asked):
            moment += timedelta(seconds=self._chance.uniform(4, 75))
            text = self._wording()
            if chat is None:
                times = {"created_at": moment, "updated_at": moment}
                chat = Conversation(id=self._key(), title=text[:LONGEST_TITLE], **guest.whose, **times)
                self.rows.conversations.append(chat)
            question = self._message(chat, Message.Role.USER, text, moment)
            moment = self._ask(guest, chat, question, moment, network)
            chat.updated_at = moment
        if asked >= 8:
            facts = {"action": "chat", "tier": self._tier(guest), "limit": 10, "window": 60}
            self._notice(guest, "rate_limit_triggered", moment, network, **facts)
        return moment

    def _ask(
        self, guest: Guest, chat: Conversation, question: Message, moment: datetime, network: str, tries: int = 1
    ) -> datetime:
        turn = self._turn(chat, question, moment)
        ended = turn.ended_at or moment
        self.rows.turns.append(turn)
        facts = {"outcome": turn.status, "tier": self._tier(guest), "model": turn.model, "turn_id": str(turn.id)}
        self._notice(guest, "chat_message", ended, network, sources=len(turn.reply.sources), **facts)
        is_good = self._answer(question.content).kind is not answers.Kind.NOTHING and not turn.error
        self._rate(turn, is_good=is_good)
        again = 0.6 if turn.status == Turn.Status.FAILED else 0.0 if is_good else 0.2
        if tries < 3 and self._chance.random() < again:
            return self._ask(guest, chat, question, ended + timedelta(seconds=6), network, tries + 1)
        return ended

    def _turn(self, chat: Conversation, question: Message, moment: datetime) -> Turn:
        """Answered by the real local agent, so that its text and its sources are true; the times are drawn."""
        found = self._answer(question.content)
        (status,) = self._chance.choices(("completed", "cancelled", "failed"), (94, 3.5, 2.5))
        is_remote, is_down = self._chance.random() < 0.7, self._chance.random() < 0.04
        model = REMOTE if is_remote and not is_down else LOCAL
        first = model.first_token_ms * self._chance.lognormvariate(0, 0.35)
        total = first + model.total_ms * self._chance.lognormvariate(0, 0.4)
        has_failed = status == "failed"
        reply = self._message(chat, Message.Role.ASSISTANT, found.text, moment + timedelta(milliseconds=1))
        reply.status = {"completed": Message.Status.COMPLETE}.get(status, status)
        if has_failed:
            reply.content, reply.sources = "", []
        else:
            reply.sources = [agents.source_of(source) for source in found.sources]
        counted = self._tokens(found.text) if model is REMOTE and not has_failed else {}
        return Turn(
            id=self._key(),
            conversation=chat,
            question=question,
            reply=reply,
            status=status,
            agent=model.agent,
            model=model.name,
            error="runtime_unavailable" if has_failed else "",
            is_fallback=is_remote and is_down,
            heartbeat_at=moment,
            created_at=moment,
            first_token_at=None if has_failed else moment + timedelta(milliseconds=first),
            ended_at=moment + timedelta(milliseconds=total),
            last_seq=3,
            **counted,
        )

    def _tokens(self, text: str) -> dict[str, int]:
        cached = self._chance.random() < 0.5
        return {
            "input_tokens": 900 + self._chance.randrange(600),
            "output_tokens": max(12, len(text) // 4),
            "cache_read_tokens": 1_800 if cached else 0,
            "cache_write_tokens": 0 if cached else 1_800,
        }

    def _rate(self, turn: Turn, *, is_good: bool) -> None:
        if turn.status != Turn.Status.COMPLETED or self._chance.random() > 0.14:
            return
        likes = self._chance.random() < (0.88 if is_good else 0.15)
        given = (turn.ended_at or turn.created_at) + timedelta(seconds=9)
        rating = Feedback.Rating.UP if likes else Feedback.Rating.DOWN
        self.rows.feedback.append(Feedback(message=turn.reply, rating=rating, created_at=given))

    def _invite(self, guest: Guest, moment: datetime, network: str) -> None:
        self._tell(guest, "soft_prompt_shown", moment, network)
        moment += timedelta(seconds=self._chance.uniform(3, 20))
        if self._chance.random() < 0.45:
            self._tell(guest, "soft_prompt_dismissed", moment, network)
            return
        self._tell(guest, "signup_modal_opened", moment, network)
        moment += timedelta(seconds=self._chance.uniform(10, 60))
        if self._chance.random() < 0.35:
            self._tell(guest, "signup_modal_closed", moment, network)
            return
        self._tell(guest, "signup_initiated", moment, network)
        self._sign_up(guest, moment, network)

    def _sign_up(self, guest: Guest, moment: datetime, network: str) -> None:
        """The visitor becomes a person, with all they did before; one in four never opens the mail."""
        name = f"{self._chance.choice(NAMES)}{len(self.rows.users) + 1}"
        user = User(
            id=self._key(),
            email=f"{name}@{EMAIL_DOMAIN}",
            name=name.title(),
            password=UNUSABLE_PASSWORD_PREFIX,
            created_at=moment,
        )
        self.rows.users.append(user)
        for event in self.rows.events:
            if event.visitor_id == guest.visitor.id:
                event.user = user
        for chat in self.rows.conversations:
            if chat.visitor_id == guest.visitor.id:
                chat.visitor_id, chat.user_id = None, user.id
        guest.user = user
        self._members.append(guest)
        guest.visitor.claimed_by, guest.visitor.claimed_at = user, moment
        self._notice(guest, "signup", moment, network, method="email")
        if self._chance.random() < 0.75:
            moment += timedelta(seconds=self._chance.uniform(20, 240))
            user.email_verified_at = user.consented_at = moment
            self._notice(guest, "email_verified", moment, network)

    def _afterwards(self, guest: Guest, moment: datetime, network: str) -> None:
        """What signed-in people do when they have their answers."""
        if self._chance.random() < 0.3:
            self._notice(guest, "save_chat", moment, network, messages=4)
        if self._chance.random() < 0.12:
            self._notice(guest, "personalize", moment, network, recommended=5)
        if self._chance.random() < 0.25:
            self._notice(guest, "logout", moment, network, everywhere=False)

    def _by_itself(self, moment: datetime) -> None:
        """What happens to a server on the internet, whoever visits."""
        if moment >= self._until or self._chance.random() > 0.3 * min(1.0, self._scale + 0.2):
            return
        network = self._chance.choice(NETWORKS)
        (code,) = self._chance.choices(("not_found", "invalid_token", "invalid_request", "no_token"), (8, 3, 2, 1))
        told = {"transport": "http", "code": code, "count": self._chance.randrange(1, 9)}
        self._notice(None, "errors_told", moment, network, **told)
        if self._chance.random() < 0.35:
            self._notice(None, "auth_failed", moment, network, reason="wrong_password")
        if self._chance.random() < 0.2:
            action, limit = self._chance.choice((("visitor", 60), ("login_failures", 10), ("analytics", 120)))
            facts = {"action": action, "tier": "", "limit": limit, "window": 60}
            self._notice(None, "rate_limit_triggered", moment, network, **facts)

    def _answer(self, text: str) -> answers.Answer:
        if text not in self._answers:
            self._answers[text] = answers.answer(text)
        return self._answers[text]

    def _wording(self) -> str:
        (wordings,) = self._chance.choices(self._wordings, self._weights)
        return self._chance.choice(wordings)

    def _message(self, chat: Conversation, role: str, text: str, moment: datetime) -> Message:
        message = Message(id=self._key(), conversation=chat, role=role, content=text, created_at=moment)
        self.rows.messages.append(message)
        return message

    def _tell(self, guest: Guest, event_type: str, moment: datetime, network: str, **data: Any) -> None:
        self._event(guest, Event.Source.CLIENT, event_type, moment, network, data)

    def _notice(self, guest: Guest | None, event_type: str, moment: datetime, network: str, **data: Any) -> None:
        self._event(guest, Event.Source.SERVER, event_type, moment, network, data)

    def _event(
        self, guest: Guest | None, source: str, event_type: str, moment: datetime, network: str, data: dict[str, Any]
    ) -> None:
        whose: dict[str, Any] = {}
        if guest is not None:
            whose = {"visitor_id": None if guest.user else guest.visitor.id, "user": guest.user}
        columns = {"event_type": event_type, "source": source, "created_at": moment, "event_data": data}
        self.rows.events.append(Event(id=self._key(), network=network, request_id=self._key(), **columns, **whose))

    def _tier(self, guest: Guest) -> str:
        return Tier.ANONYMOUS if guest.user is None else Tier.LIGHTWEIGHT

    def _key(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)


def read_questions() -> tuple[list[int], list[list[str]]]:
    lines = [line for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    rows = [[part.strip() for part in line.split("|")] for line in lines]
    return [int(row[0]) for row in rows], [row[1:] for row in rows]
