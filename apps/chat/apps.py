from functools import partial

from django.apps import AppConfig
from django.conf import settings

from chatkit import housekeeping


class ChatConfig(AppConfig):
    name = "apps.chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        from apps.accounts import support
        from apps.accounts.signals import credentials_revoked
        from apps.chat import holdings, takeover, turns, wakeups
        from apps.chat.events import EventType
        from apps.chat.signals import turn_began
        from apps.chat.sockets import sockets
        from apps.gateway import choice

        def close_revoked(revocation: object, **_: object) -> None:
            sockets.revoked(revocation)  # type: ignore[arg-type]

        def tell_joined(conversation_id: object, turn_id: object, **_: object) -> None:
            sockets.turn_began(conversation_id, turn_id)  # type: ignore[arg-type]

        async def wind_down() -> None:
            sockets.is_draining = True
            await turns.drain(settings.CHATKIT.shutdown_grace)
            await sockets.end_all(4012, "restarting")
            await choice.close()

        holdings.register()
        support.grant(*(f"chat.view_{kind}" for kind in ("conversation", "message", "turn", "savedchat", "feedback")))
        credentials_revoked.connect(close_revoked, weak=False)
        turn_began.connect(tell_joined, weak=False)
        housekeeping.accompany(takeover.sweep)
        housekeeping.accompany(lambda: takeover.beat(turns.running_here, turns.stop_here))
        housekeeping.accompany(lambda: wakeups.listen(partial(turns.stop_here, ending=EventType.CANCELLED)))
        housekeeping.at_the_end(wind_down)
