"""Django's settings, built from `chatkit.config`. Nothing here reads the environment."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
from corsheaders.defaults import default_headers

from chatkit import __version__, config, logging

CHATKIT = config.load_or_exit()
BASE_DIR = config.ROOT

SECRET_KEY = CHATKIT.signing_key
DEBUG = CHATKIT.debug
ALLOWED_HOSTS = CHATKIT.hosts
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "chatkit.urls"
ASGI_APPLICATION = "chatkit.asgi.application"
AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = [
    # The counters' backend is ours: it is shared and atomic, which is what this warning asks for.
    "django_ratelimit.W001",
]

INSTALLED_APPS = [
    # Makes `runserver` speak WebSocket; imported only for people who change ChatKit, because it is slow to start.
    *(["daphne"] if DEBUG else []),
    "chatkit",
    # Before the apps it refers to: what a person leaves behind is erased in this order.
    "apps.analytics",
    "apps.accounts",
    "apps.throttling",
    "apps.gateway",
    "apps.chat",
    "apps.knowledge",
    "chatkit.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "django_ratelimit",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "chatkit.middleware.request_context",
    "chatkit.middleware.security_headers",
    "chatkit.middleware.StaticFiles",
    "corsheaders.middleware.CorsMiddleware",
    "chatkit.middleware.refusals",
    "chatkit.middleware.Sessions",
    "chatkit.middleware.Common",
    "chatkit.middleware.Csrf",
    "chatkit.middleware.Authentication",
    "chatkit.middleware.Messages",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatkit.pages.site",
            ]
        },
    }
]


def database() -> dict[str, Any]:
    """Persistent connections: SQLite keeps its own, PostgreSQL shares a pool among the process's threads."""
    parsed: dict[str, Any] = dict(dj_database_url.parse(CHATKIT.effective_database_url))
    options = parsed.setdefault("OPTIONS", {})
    if CHATKIT.uses_sqlite:
        # SQLite makes the file and not the folder.
        CHATKIT.data_dir.mkdir(parents=True, exist_ok=True)
        parsed["CONN_MAX_AGE"] = None
        options["transaction_mode"] = "IMMEDIATE"
        options["timeout"] = 20
        # NORMAL survives every crash of the process; the ledger's own connection adds FULL against power loss.
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY"
        # A file, because the ledger and the live servers of the suite open the same database.
        parsed["TEST"] = {"NAME": str(CHATKIT.data_dir / "test.sqlite3")}
    else:
        parsed["CONN_MAX_AGE"] = 0
        parsed["CONN_HEALTH_CHECKS"] = True
        options["pool"] = {"min_size": 1, "max_size": 12, "timeout": 3}
        options.setdefault("connect_timeout", 3)
    return parsed


DATABASES = {"default": database()}

CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": CHATKIT.redis_url, "KEY_PREFIX": "chatkit"}
        if CHATKIT.redis_url
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    ),
    "limits": {"BACKEND": "apps.throttling.cache.CounterCache", "KEY_FUNCTION": "apps.throttling.cache.plain_key"},
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [CHATKIT.redis_url], "prefix": "chatkit"},
        }
        if CHATKIT.redis_url
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}

RATELIMIT_USE_CACHE = "limits"
RATELIMIT_HASH_ALGORITHM = "apps.throttling.cache.ReadableDigest"
RATELIMIT_IPV6_MASK = 64

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = CHATKIT.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder", "chatkit.static.AppFiles"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "chatkit.static.Storage"
    },
}
# The widget's address in a site's HTML never changes, so it may be kept only for a while; hashed files for ever.
WHITENOISE_MAX_AGE = 300

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

CORS_ALLOWED_ORIGINS = CHATKIT.cors_origins
# The defaults, spelled out: the middleware asks for each on every request, and a missing one costs an exception.
CORS_URLS_REGEX = re.compile("")
CORS_ALLOWED_ORIGIN_REGEXES: list[str] = []
CORS_ALLOW_ALL_ORIGINS = CORS_ALLOW_CREDENTIALS = CORS_ALLOW_PRIVATE_NETWORK = False
CORS_ALLOW_HEADERS = [*default_headers, "x-request-id", "x-api-key", "last-event-id"]
CORS_EXPOSE_HEADERS = ["Content-Disposition", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"]
CORS_PREFLIGHT_MAX_AGE = 86_400
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(CHATKIT.base_url))]
CSRF_FAILURE_VIEW = "chatkit.api.csrf_failure"

IS_HTTPS = CHATKIT.base_url.startswith("https://")
SESSION_COOKIE_NAME = "chatkit_admin"
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "chatkit_csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["chatkit.api.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["chatkit.api.JSONParser"],
    # Safe by default: a view that anybody may call has to say so.
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.accounts.authentication.CredentialAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.authentication.HasCredential"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chatkit.api.AlwaysJSON",
    "DEFAULT_PAGINATION_CLASS": "chatkit.api.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "chatkit.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}

AUTHENTICATION_BACKENDS = ["apps.accounts.login.PasswordBackend"]
PASSWORD_HASHERS = ["apps.accounts.hashing.Argon2id"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ["email", "name"]}},
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
    {"NAME": "apps.accounts.passwords.LongestPassword"},
    {"NAME": "apps.accounts.passwords.EndsSessions"},
]
SIMPLE_JWT = {"TOKEN_TYPE_CLAIM": "type", "USER_ID_CLAIM": "sub"}

SPECTACULAR_SETTINGS = {
    "TITLE": "ChatKit API",
    "DESCRIPTION": "Identity, chat, analytics and operations. Every error has one shape: see the `Error` schema.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "displayRequestDuration": True},
    "PREPROCESSING_HOOKS": ["chatkit.schema.only_versioned"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "chatkit.schema.describe"],
}


def email(url: str | None) -> dict[str, Any]:
    """Django's mail settings from one URL: none in test mode, the console in development, nowhere until it is set."""
    if CHATKIT.integration_test_mode:
        url = "dummy://"
    parts = urlsplit(url or ("dummy://" if CHATKIT.is_production else "console://"))
    backend = "smtp" if parts.scheme in {"smtp", "smtps"} else {"file": "filebased"}.get(parts.scheme, parts.scheme)
    sender = parse_qs(parts.query).get("from", [f"ChatKit <chatkit@{urlsplit(CHATKIT.base_url).hostname}>"])[0]
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend",
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": (parts.port if parts.hostname else None) or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and parse_qs(parts.query).get("tls", ["1"])[0] != "0",
        "EMAIL_FILE_PATH": parts.path if parts.scheme == "file" else None,
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


globals().update(email(CHATKIT.email_url))

LOGGING = logging.logging_config(CHATKIT)
logging.configure_structlog()
