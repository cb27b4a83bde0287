"""Structured logs, JSON or console, one line an event, with the request id in each and no secret in any."""

from collections.abc import MutableMapping
from typing import Any

import structlog

from chatkit.config import Config
from chatkit.redaction import redact

EventDict = MutableMapping[str, Any]


def redact_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Runs last but for rendering, so that nothing a library logs gets past it."""
    cleaned = redact(dict(event))
    return cleaned if isinstance(cleaned, dict) else {}


def format_traceback(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Tracebacks become text before redaction: an exception's message may quote a DSN or a token."""
    return structlog.processors.format_exc_info(_logger, _method, event)


WORDY = ("anthropic", "openai", "httpx2", "httpcore2", "aiohttp", "botocore")
SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def renderer(log_format: str) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer(sort_keys=True)
    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)


def logging_config(config: Config) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder(allow=("status_code",))],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    format_traceback,
                    redact_event,
                    renderer(config.effective_log_format),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": config.log_level},
        "loggers": {
            # Django repeats each refused request here; the access log already has a line for it.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "propagate": True},
            "django": {"handlers": [], "propagate": True},
            "uvicorn": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            # At lower levels these write down whole requests: what visitors said, and headers.
            **{name: {"level": "WARNING"} for name in WORDY},
            "asyncio": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
