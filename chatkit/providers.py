"""What each model provider must be told before it can be asked; what is missing is one line that names it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatkit.config import Config

OPENAI = "https://api.openai.com/v1"
# Quick and cheap: answers rest on passages, so they need no great model.
DEFAULT_MODELS = {
    "local": "local",
    "anthropic": "claude-haiku-5-5",
    "openai": "gpt-5.4-mini",
    "bedrock": "global.anthropic.claude-haiku-4-5-20251001-v1:0",
}


def missing(config: "Config") -> list[str]:
    match config.agent:
        case "anthropic":
            return missing_for_anthropic(config)
        case "openai":
            return missing_for_openai(config)
        case "bedrock":
            return missing_for_bedrock(config)
    return []


def missing_for_anthropic(config: "Config") -> list[str]:
    if config.anthropic_api_key is None:
        return ["ANTHROPIC_API_KEY: missing, and AGENT=anthropic needs it; set it to a key of the Anthropic Console."]
    return []


def missing_for_openai(config: "Config") -> list[str]:
    if config.is_openai_itself:
        if config.openai_api_key is None:
            return ["OPENAI_API_KEY: missing, and AGENT=openai needs it; set it, or OPENAI_BASE_URL to another server."]
    elif not config.agent_model:
        return ["AGENT_MODEL: missing; name a model that the server at OPENAI_BASE_URL has."]
    return []


def missing_for_bedrock(config: "Config") -> list[str]:
    problems = []
    if not config.aws_region:
        problems.append("AWS_REGION: missing, and AGENT=bedrock needs it; set it to a region such as eu-central-1.")
    if (config.aws_access_key_id is None) != (config.aws_secret_access_key is None):
        problems.append("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: one of the two is missing; set both or none.")
    model = config.agent_model
    if model and "anthropic." not in model and not model.startswith("arn:"):
        problems.append("AGENT_MODEL: is not one of Anthropic's models; choose one whose name contains `anthropic.`.")
    return problems
