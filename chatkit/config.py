"""Every setting, typed: environment over chatkit.yaml over defaults. Nothing else reads the environment."""

import os
import re
import secrets
import sys
from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from chatkit.providers import DEFAULT_MODELS, OPENAI, missing
from chatkit.values import (
    Rate,
    check_base_url,
    check_database_url,
    check_email_url,
    check_key,
    check_name,
    check_network,
    check_origin,
    check_redis_url,
    check_time_zone,
    split_commas,
)

ROOT = Path(__file__).resolve().parent.parent
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h
SHORTEST_SECRET_KEY = 32
KNOWN_SECRET_KEYS = ("change-me", "changeme", "secret", "django-insecure", "your-secret-key")
LOCAL_ORIGINS = ("http://localhost:3000", "http://127.0.0.1:3000", "http://localhost:8000", "http://127.0.0.1:8000")


class ConfigurationError(Exception):
    """One or more settings that ChatKit refuses to start with: a line for each, naming variable and remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


RateSetting = Annotated[Rate, BeforeValidator(Rate.parse)] | None
Origins = Annotated[list[Annotated[str, BeforeValidator(check_origin)]], NoDecode, BeforeValidator(split_commas)]
Networks = Annotated[
    list[Annotated[IPv4Network | IPv6Network, BeforeValidator(check_network)]], NoDecode, BeforeValidator(split_commas)
]
Paths = Annotated[list[Path], NoDecode, BeforeValidator(split_commas)]
Names = Annotated[list[str], NoDecode, BeforeValidator(split_commas)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Seconds = Annotated[int, Field(ge=1, le=315_360_000)]
Wait = Annotated[float, Field(gt=0, le=3600)]
Key = Annotated[SecretStr | None, BeforeValidator(check_key)]
ServerAddress = Annotated[str, BeforeValidator(check_base_url)]


class RateLimits(BaseModel):
    """What the owner set; anything absent comes from the table in apps/throttling/limits.py."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    chat_anonymous: RateSetting = None
    chat_lightweight: RateSetting = None
    chat_full: RateSetting = None
    save_chat: RateSetting = None
    personalize: RateSetting = None
    login_failures: RateSetting = None
    login_failures_account: RateSetting = None
    register_: RateSetting = Field(default=None, alias="register")
    signup: RateSetting = None
    verify: RateSetting = None
    visitor: RateSetting = None
    analytics: RateSetting = None

    def get(self, name: str) -> Rate | None:
        value: Rate | None = getattr(self, "register_" if name == "register" else name)
        return value


class Config(BaseSettings):
    """One field a setting; its description is the line that the settings reference prints."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_nested_delimiter="__", arbitrary_types_allowed=True, hide_input_in_errors=True
    )
    # Django's settings ask each value for this, each time it is read; without it pydantic takes 30 µs to say no.
    _mask_wrapped: ClassVar[bool] = True

    environment: Literal["development", "production"] = Field(
        "development", description="`production` turns on the startup refusals, HSTS and JSON logs."
    )
    host: str = Field("127.0.0.1", description="Address that `manage.py serve` listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `manage.py serve` listens on; 0 picks a free one.")
    secret_key: SecretStr | None = Field(
        None, description="Signs tokens and admin sessions. Development makes one and keeps it in the data folder."
    )
    debug: bool = Field(False, description="Django's debug pages, for people who change ChatKit; never in production.")
    data_dir: Path = Field(ROOT / "data", description="Folder for the SQLite file, the secret key, collected files.")
    database_url: Annotated[str, BeforeValidator(check_database_url)] | None = Field(
        None, description="`postgres://user:password@host:5432/name`; without it SQLite in the data folder."
    )
    redis_url: Annotated[str, BeforeValidator(check_redis_url)] | None = Field(
        None, description="`redis://host:6379/0` (or Valkey) for cache and channel layer; without it memory."
    )
    cors_origins: Origins = Field(
        list(LOCAL_ORIGINS), description="Origins of the pages that embed the widget, separated by commas."
    )
    allowed_hosts: Names = Field(
        [], description="Further host names this server answers for, besides `BASE_URL`'s, `HOST` and loopback."
    )
    trusted_proxies: Networks = Field(
        [], description="Addresses or networks of proxies whose `X-Forwarded-For` and `-Proto` are believed."
    )
    integration_test_mode: bool = Field(
        False, description="Fixtures, small limits, no mail, verbose diagnostics; refused in production."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "console"] | None = Field(
        None, description="`json` or `console`; by default JSON in production."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for `/metrics` from elsewhere than loopback; without it loopback only."
    )
    email_url: Annotated[str, BeforeValidator(check_email_url)] | None = Field(
        None, description="`smtp://user:password@host:587?from=chat@example.com`, `smtps://…`, `console://`."
    )
    base_url: Annotated[str, BeforeValidator(check_base_url)] = Field(
        "http://127.0.0.1:8000", description="Public address of this server, used in mails and snippets."
    )
    session_ttl: Seconds = Field(2_592_000, description="Life of a widget session, in seconds.")
    access_token_ttl: Seconds = Field(900, description="Life of a JWT access token, in seconds.")
    refresh_token_ttl: Seconds = Field(1_209_600, description="Life of a JWT refresh token, in seconds.")
    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = Field(
        "HS256", description="What signs JWTs: the secret key (`HS256`), or the first of `JWT_KEY_FILES`."
    )
    jwt_key_files: Paths = Field([], description="PEM files, separated by commas: the first signs, all of them verify.")
    ws_query_token: bool | None = Field(
        None, description="Accept `?session_token=` on WebSockets; by default everywhere but in production."
    )
    ws_idle_timeout: Seconds = Field(45, description="Seconds without a frame after which a socket is closed.")
    ws_auth_timeout: Seconds = Field(10, description="Seconds a socket may take to authenticate.")
    ws_expiry_grace: int = Field(10, ge=0, le=3600, description="Seconds a socket outlives its credential.")
    ws_max_per_principal: int = Field(20, ge=1, description="Sockets one visitor or person may hold.")
    ws_max_connections: int = Field(10_000, ge=1, description="Sockets one process accepts.")
    max_message_chars: int = Field(8_000, ge=1, le=100_000, description="Longest message a visitor may send.")
    shutdown_grace: Seconds = Field(20, description="Seconds that running turns and requests get when stopping.")
    agent: Literal["local", "anthropic", "bedrock", "openai"] = Field(
        "local", description="Who answers: the site's own passages, or a model provider; see docs/providers.md."
    )
    agent_model: Annotated[str, BeforeValidator(check_name)] = Field(
        "", max_length=300, description="The provider's model; each provider has a default, other servers have none."
    )
    agent_fallback: Literal["local", "none"] = Field(
        "local", description="Who answers when the provider cannot begin: the local agent, or nobody."
    )
    agent_instructions: str = Field(
        "", max_length=8_000, description="What the model is told about your site; the admin can replace it."
    )
    agent_max_tokens: int = Field(1_024, ge=1, le=200_000, description="Longest answer of a model, in tokens.")
    agent_history_tokens: int = Field(
        4_000, ge=0, le=1_000_000, description="How much of a conversation a model is told again, in tokens."
    )
    agent_connect_timeout: Wait = Field(5, description="Seconds to connect to the provider.")
    agent_first_token_timeout: Wait = Field(30, description="Seconds until the provider's first token.")
    agent_stall_timeout: Wait = Field(20, description="Seconds between two tokens of the provider.")
    anthropic_api_key: Key = Field(None, description="Key for `AGENT=anthropic`.")
    anthropic_base_url: ServerAddress = Field("https://api.anthropic.com", description="Address of the Anthropic API.")
    openai_api_key: Key = Field(None, description="Key for `AGENT=openai`; servers of your own may need none.")
    openai_base_url: ServerAddress = Field(
        OPENAI, description="Address of an OpenAI-compatible API: Ollama, vLLM, LM Studio."
    )
    aws_region: Annotated[str, BeforeValidator(check_name)] = Field("", description="Region for `AGENT=bedrock`.")
    aws_bearer_token_bedrock: Key = Field(None, description="Bedrock API key; or the two that follow.")
    aws_access_key_id: Key = Field(None, description="Access key; without any, AWS's own chain of credentials.")
    aws_secret_access_key: Key = Field(None, description="Secret of the access key.")
    aws_session_token: Key = Field(None, description="Session token of a temporary access key.")
    bedrock_base_url: ServerAddress | None = Field(
        None, description="Address of Bedrock's runtime where it is not the region's own."
    )
    knowledge_language: Literal["de", "en", "es", "fr", "it", "nl", "pt"] = Field(
        "en", description="Language of the site's documents, where a document does not say."
    )
    report_time_zone: Annotated[str, BeforeValidator(check_time_zone)] = Field(
        "UTC", description="Where the days of reports begin and end, such as `Europe/Berlin`."
    )
    events_kept_days: Days = Field(400, description="Days after which analytics events are deleted.")
    conversations_kept_days: Days | None = Field(
        None, description="Days after which conversations nobody continued are deleted; without it they are kept."
    )
    figures_kept_days: Days | None = Field(
        None, description="Days after which the figures of a day are deleted; without it they are kept."
    )
    rate_limits: RateLimits = Field(
        default_factory=RateLimits, description="`RATE_LIMITS__SAVE_CHAT=5/60`: count/seconds, or `none`."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what `load` hands in from the file."""
        return (env_settings, init_settings)

    @field_validator("data_dir")
    @classmethod
    def absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def accepts_query_token(self) -> bool:
        return not self.is_production if self.ws_query_token is None else self.ws_query_token

    @property
    def effective_log_format(self) -> str:
        return self.log_format or ("json" if self.is_production else "console")

    @property
    def is_openai_itself(self) -> bool:
        """Its own servers, and not another's that speak the same language."""
        return self.openai_base_url == OPENAI

    @property
    def model(self) -> str:
        """What answers, whether it was chosen or is the provider's default."""
        return self.agent_model or DEFAULT_MODELS[self.agent]

    @cached_property
    def signing_key(self) -> str:
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        return kept_secret_key(self.data_dir / "secret_key")

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'chatkit.sqlite3'}"

    @property
    def uses_sqlite(self) -> bool:
        return self.effective_database_url.startswith("sqlite")

    def public_address(self, otherwise: str = "") -> str:
        """`BASE_URL` where it was set; else the address that is known here."""
        return self.base_url if "base_url" in self.model_fields_set else otherwise or f"http://{self.host}:{self.port}"

    @property
    def hosts(self) -> list[str]:
        """The names this server answers for: an unknown Host header is refused."""
        own = [urlsplit(self.base_url).hostname or "", self.host, "localhost", "127.0.0.1", "[::1]"]
        return sorted({*own, *self.allowed_hosts} - {"", "0.0.0.0", "::"})  # noqa: S104 - removed, not bound


def kept_secret_key(path: Path) -> str:
    """A key made once for development; linking makes two processes that start together agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # the other process was first, and its key is the one to use
        finally:
            draft.unlink()
    return path.read_text().strip()


def read_file(path: Path) -> dict[str, Any]:
    """The settings in chatkit.yaml, keys in lower case like the fields."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as exc:
        raise ConfigurationError([f"{path.name}: cannot be read as YAML; compare it with README's example."]) from exc
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError([f"{path.name}: must be a mapping of setting names to values."])
    return {str(key).lower(): lower_keys(value) for key, value in content.items()}


def lower_keys(value: object) -> object:
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, dict) else value


def one_line(error: Mapping[str, Any]) -> str:
    name = "__".join(str(part) for part in error["loc"] if isinstance(part, str)).upper()
    if error["type"] == "extra_forbidden":
        return f"{name}: unknown setting; README lists every name."
    reason = re.sub(r"^Value error, ", "", " ".join(str(error["msg"]).split()))
    return f"{name}: {reason}."


def refusals(config: Config) -> list[str]:
    """Why this configuration must not serve."""
    problems = missing(config)
    if not config.is_production:
        return problems
    key = config.secret_key.get_secret_value() if config.secret_key else ""
    if not key:
        problems.append("SECRET_KEY: missing in production; set it to 50 random characters.")
    elif key.lower().startswith(KNOWN_SECRET_KEYS):
        problems.append("SECRET_KEY: is a well-known default; set it to 50 random characters.")
    elif len(key.encode()) < SHORTEST_SECRET_KEY:
        problems.append(f"SECRET_KEY: shorter than {SHORTEST_SECRET_KEY} bytes; set it to 50 random characters.")
    if config.debug:
        problems.append("DEBUG: must be off in production; remove it.")
    if config.integration_test_mode:
        problems.append("INTEGRATION_TEST_MODE: must be off in production; remove it, or set ENVIRONMENT=development.")
    return problems


def warnings(config: Config) -> list[str]:
    """What works but deserves a second look; `serve` prints these."""
    if not config.is_production:
        return []
    found = []
    if config.uses_sqlite:
        found.append("DATABASE_URL: SQLite serves one machine; use PostgreSQL when that is too small.")
    if config.email_url is None:
        found.append("EMAIL_URL: not set, so no mail leaves this server and nobody can verify an address.")
    if config.base_url.startswith("http://"):
        found.append("BASE_URL: is not https, so browsers will refuse the widget on other machines.")
    return found


def config_path() -> Path:
    return Path(os.environ.get("CHATKIT_CONFIG") or ROOT / "chatkit.yaml")


def load() -> Config:
    path = config_path()
    if "CHATKIT_CONFIG" in os.environ and not path.exists():
        raise ConfigurationError([f"CHATKIT_CONFIG: there is no file {path}."])
    from_file = read_file(path) if path.exists() else {}
    try:
        config = Config(**from_file)
    except ValidationError as exc:
        raise ConfigurationError([one_line(error) for error in exc.errors()]) from exc
    except SettingsError as exc:
        name = re.search(r'field "(\w+)"', str(exc))
        raise ConfigurationError([f"{name[1].upper() if name else 'Environment'}: cannot be read."]) from exc
    problems = refusals(config)
    if problems:
        raise ConfigurationError(problems)
    return config


def source_of(name: str) -> str:
    """Where the value of a setting such as `RATE_LIMITS__SAVE_CHAT` was given, or an empty string."""
    if name in os.environ:
        return "environment"
    path = config_path()
    found: object = read_file(path) if path.exists() else {}
    for part in name.lower().split("__"):
        if not isinstance(found, dict) or part not in found:
            return ""
        found = found[part]
    return path.name


def stop(problems: list[str]) -> NoReturn:
    for problem in problems:
        print(f"chatkit: {problem}", file=sys.stderr)
    raise SystemExit(EXIT_CONFIGURATION)


def load_or_exit() -> Config:
    try:
        return load()
    except ConfigurationError as exc:
        stop(exc.problems)
