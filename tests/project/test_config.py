"""Every refusal is one line that names the variable and the remedy, from the real process, with exit code 78."""

from pathlib import Path

import pytest

from chatkit import config
from chatkit.config import Config, source_of
from tests.live import run_manage

GOOD_KEY = "k" * 50
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": GOOD_KEY, "EMAIL_URL": "dummy://"}

REFUSALS = {
    "no secret key": ({"SECRET_KEY": ""}, "SECRET_KEY: missing in production; set it to 50 random characters."),
    "a short secret key": ({"SECRET_KEY": "x" * 31}, "SECRET_KEY: shorter than 32 bytes;"),
    "a default secret key": ({"SECRET_KEY": "change-me-" * 5}, "SECRET_KEY: is a well-known default;"),
    "debug": ({"DEBUG": "true"}, "DEBUG: must be off in production; remove it."),
    "every origin": ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS: * would let every site in; list the origins"),
    "test mode": ({"INTEGRATION_TEST_MODE": "true"}, "INTEGRATION_TEST_MODE: must be off in production;"),
    "a malformed database": ({"DATABASE_URL": "postgres//oops"}, "DATABASE_URL: malformed; use postgres://"),
}

BAD_VALUES = {
    "ENVIRONMENT": "staging",
    "PORT": "99999",
    "DEBUG": "perhaps",
    "DATABASE_URL": "mysql://user:password@host/name",
    "REDIS_URL": "http://host",
    "CORS_ORIGINS": "https://example.com/path",
    "TRUSTED_PROXIES": "10.0.0.0/99",
    "INTEGRATION_TEST_MODE": "sometimes",
    "LOG_LEVEL": "LOUD",
    "LOG_FORMAT": "xml",
    "EMAIL_URL": "pigeon://host",
    "BASE_URL": "chat.example.com",
    "SESSION_TTL": "0",
    "ACCESS_TOKEN_TTL": "-1",
    "REFRESH_TOKEN_TTL": "a week",
    "WS_QUERY_TOKEN": "2",
    "WS_IDLE_TIMEOUT": "0",
    "WS_AUTH_TIMEOUT": "soon",
    "WS_EXPIRY_GRACE": "-1",
    "WS_MAX_PER_PRINCIPAL": "0",
    "WS_MAX_CONNECTIONS": "many",
    "MAX_MESSAGE_CHARS": "0",
    "SHUTDOWN_GRACE": "never",
    "AGENT": "hal",
    "AGENT_FALLBACK": "maybe",
    "AGENT_MODEL": "a model with spaces",
    "AGENT_MAX_TOKENS": "0",
    "AGENT_HISTORY_TOKENS": "-1",
    "AGENT_CONNECT_TIMEOUT": "0",
    "AGENT_FIRST_TOKEN_TIMEOUT": "soon",
    "AGENT_STALL_TIMEOUT": "-3",
    "ANTHROPIC_API_KEY": "two words@host/name",
    "ANTHROPIC_BASE_URL": "api.anthropic.com",
    "OPENAI_API_KEY": '"quoted"',
    "OPENAI_BASE_URL": "localhost:11434",
    "AWS_REGION": "europe, west",
    "BEDROCK_BASE_URL": "file:///etc",
    "RATE_LIMITS__SAVE_CHAT": "5 per minute",
    "RATE_LIMITS__UNHEARD_OF": "5/60",
}


def refused(environment: dict[str, str]) -> list[str]:
    """The lines of a process that would not start."""
    ended = run_manage("serve", environment=environment)
    assert ended.returncode == 78, ended.stderr
    assert ended.stdout == ""
    return ended.stderr.splitlines()


@pytest.mark.parametrize("case", REFUSALS)
def test_production_refuses(case: str, tmp_path: Path) -> None:
    change, line = REFUSALS[case]
    (said,) = refused({**PRODUCTION, "DATA_DIR": str(tmp_path), **change})
    assert said.startswith(f"chatkit: {line}")


def test_every_bad_value_is_named_at_once(tmp_path: Path) -> None:
    lines = refused({**BAD_VALUES, "DATA_DIR": str(tmp_path), "SECRET_KEY": GOOD_KEY})
    assert sorted(line.split(": ")[1] for line in lines) == sorted(BAD_VALUES)


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_bad_value_is_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, BAD_VALUES[name])
    with pytest.raises(config.ConfigurationError) as refusal:
        config.load()
    (line,) = refusal.value.problems
    assert line.startswith(f"{name}: ")
    assert "@host/name" not in line


MISSING = {
    "anthropic without a key": (
        {"AGENT": "anthropic"},
        "ANTHROPIC_API_KEY: missing, and AGENT=anthropic needs it; set it to a key of the Anthropic Console.",
    ),
    "anthropic with an empty key": (
        {"AGENT": "anthropic", "ANTHROPIC_API_KEY": ""},
        "ANTHROPIC_API_KEY: missing, and AGENT=anthropic needs it; set it to a key of the Anthropic Console.",
    ),
    "openai without a key": (
        {"AGENT": "openai"},
        "OPENAI_API_KEY: missing, and AGENT=openai needs it; set it, or OPENAI_BASE_URL to another server.",
    ),
    "a server of one's own without a model": (
        {"AGENT": "openai", "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"},
        "AGENT_MODEL: missing; name a model that the server at OPENAI_BASE_URL has.",
    ),
    "bedrock without a region": (
        {"AGENT": "bedrock", "AWS_BEARER_TOKEN_BEDROCK": "x"},
        "AWS_REGION: missing, and AGENT=bedrock needs it; set it to a region such as eu-central-1.",
    ),
    "bedrock with half a key": (
        {"AGENT": "bedrock", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "x"},
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: one of the two is missing; set both or none.",
    ),
    "bedrock with another's model": (
        {"AGENT": "bedrock", "AWS_REGION": "eu-central-1", "AGENT_MODEL": "amazon.nova-lite-v1:0"},
        "AGENT_MODEL: is not one of Anthropic's models; choose one whose name contains `anthropic.`.",
    ),
    "bedrock on a machine without credentials": (
        {"AGENT": "bedrock", "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"},
        "AWS_BEARER_TOKEN_BEDROCK: missing, and AWS knows no other credentials of this machine; set it, "
        "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
}


@pytest.mark.parametrize("case", MISSING)
def test_what_an_agent_is_missing_is_one_line(case: str, tmp_path: Path) -> None:
    change, line = MISSING[case]
    nowhere = {"HOME": str(tmp_path), "PORT": "0", "DATA_DIR": str(tmp_path)}
    assert refused({**nowhere, **change}) == [f"chatkit: {line}"]


def test_keys_are_hidden_wherever_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "s3cr3t-canary-key")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "s3cr3t-canary-id")
    loaded = config.load()
    assert "s3cr3t" not in f"{loaded!r} {loaded} {loaded.model_dump()} {loaded.model_dump_json()}"


FILES = {
    "an unknown key": ("rate_limit: 5", "RATE_LIMIT: unknown setting; README lists every name."),
    "an unknown limit": ("rate_limits: {saves: 5/60}", "RATE_LIMITS__SAVES: unknown setting; README lists every name."),
    "no mapping": ("- port", "chatkit.yaml: must be a mapping of setting names to values."),
    "no YAML": ("port: [", "chatkit.yaml: cannot be read as YAML; compare it with README's example."),
    "a bad value": ("port: none", "PORT: Input should be a valid integer, unable to parse string as an integer."),
}


@pytest.mark.parametrize("case", FILES)
def test_the_file_refuses(case: str, tmp_path: Path) -> None:
    content, line = FILES[case]
    path = tmp_path / "chatkit.yaml"
    path.write_text(content)
    assert refused({"CHATKIT_CONFIG": str(path), "DATA_DIR": str(tmp_path)}) == [f"chatkit: {line}"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (line,) = refused({"CHATKIT_CONFIG": str(tmp_path / "gone.yaml")})
    assert line == f"chatkit: CHATKIT_CONFIG: there is no file {tmp_path / 'gone.yaml'}."


def test_several_workers_without_redis_are_refused(tmp_path: Path) -> None:
    ended = run_manage("serve", "--workers", "2", environment={"DATA_DIR": str(tmp_path)})
    assert ended.returncode == 78
    assert ended.stderr.startswith("chatkit: REDIS_URL: missing, and several workers need it")


def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    address = "postgres://nobody:hidden@127.0.0.1:9/nothing"
    ended = run_manage("serve", "--port", "0", environment={"DATA_DIR": str(tmp_path), "DATABASE_URL": address})
    assert ended.returncode == 78
    assert ended.stderr.splitlines()[-1].startswith("chatkit: DATABASE_URL: the database does not answer;")
    assert "hidden" not in ended.stderr


def write_file(folder: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "own.yaml").write_text(content)
    monkeypatch.setenv("CHATKIT_CONFIG", str(folder / "own.yaml"))


def test_the_environment_beats_the_file_and_the_file_beats_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path, "port: 1111\nhost: 0.0.0.0\nRATE_LIMITS: {SAVE_CHAT: 7/70, signup: none}", monkeypatch)
    monkeypatch.setenv("PORT", "2222")
    monkeypatch.setenv("RATE_LIMITS__PERSONALIZE", "9/90")
    chosen = config.load()
    assert (chosen.port, chosen.host, chosen.max_message_chars) == (2222, "0.0.0.0", 8000)
    assert str(chosen.rate_limits.get("save_chat")) == "7/70"
    assert str(chosen.rate_limits.get("signup")) == "none"
    assert str(chosen.rate_limits.get("personalize")) == "9/90"


def test_a_value_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path, "rate_limits: {save_chat: 7/70}", monkeypatch)
    monkeypatch.setenv("RATE_LIMITS__PERSONALIZE", "9/90")
    names = ("RATE_LIMITS__SAVE_CHAT", "RATE_LIMITS__PERSONALIZE", "RATE_LIMITS__SIGNUP")
    assert [source_of(name) for name in names] == ["own.yaml", "environment", ""]


def test_development_makes_a_key_and_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.delenv("DATA_DIR")
    first, second = (Config(data_dir=tmp_path, secret_key=None).signing_key for _ in range(2))
    assert first == second
    assert len(first) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_valkey_is_spoken_to_as_redis() -> None:
    assert Config(redis_url="valkey://cache:6379/1").redis_url == "redis://cache:6379/1"


def test_query_tokens_are_off_in_production_unless_asked_for() -> None:
    production = Config(environment="production")
    assert not production.accepts_query_token
    assert Config().accepts_query_token
    assert Config(environment="production", ws_query_token=True).accepts_query_token
