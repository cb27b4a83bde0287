"""Whether the documentation names what the code has: `make lint` asks, `--write` brings the tables up to date."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatkit.settings")

import django  # noqa: E402

django.setup()

from pydantic import SecretStr  # noqa: E402
from pydantic_core import PydanticUndefined  # noqa: E402

from apps.chat.consumers import ChatConsumer  # noqa: E402
from apps.chat.events import EventType  # noqa: E402
from apps.throttling.limits import TABLE  # noqa: E402
from chatkit.config import ROOT as PROJECT  # noqa: E402
from chatkit.config import Config  # noqa: E402
from chatkit.errors import ChatKitError  # noqa: E402


def shown(default: object) -> str:
    if default is None or default is PydanticUndefined or default in ("", []):
        return ""
    if isinstance(default, list):
        return "`" + ",".join(map(str, default)) + "`"
    if isinstance(default, Path):
        return f"`{default.relative_to(PROJECT)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def settings_table() -> str:
    lines = ["| setting | default | what it does |", "|---|---|---|"]
    for name, field in Config.model_fields.items():
        if name == "rate_limits":
            continue
        assert not isinstance(field.default, SecretStr)
        lines.append(f"| `{name.upper()}` | {shown(field.default)} | {field.description} |")
    return "\n".join(lines)


def limits_table() -> str:
    lines = ["| setting | counts | per | production | test mode |", "|---|---|---|---|---|"]
    for row in TABLE:
        name = f"RATE_LIMITS__{row.name.upper()}"
        lines.append(f"| `{name}` | {row.action} | {row.per} | `{row.production}` | `{row.testing}` |")
    return "\n".join(lines)


def error_codes() -> set[str]:
    found, waiting = set(), [ChatKitError]
    while waiting:
        error = waiting.pop()
        found.add(error.code)
        waiting.extend(error.__subclasses__())
    return found


GENERATED = {
    Path("README.md"): {"settings": settings_table, "limits": limits_table},
}


def with_tables(path: Path) -> str:
    text = (ROOT / path).read_text()
    for name, make in GENERATED[path].items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        if not block.search(text):
            sys.exit(f"{path}: the markers of the table {name!r} are missing.")
        text = block.sub(lambda match, make=make: match[1] + make() + match[2], text)  # type: ignore[misc]
    return text


def public_names_of_the_widget() -> set[str]:
    """Attributes, methods, events, custom properties and slots that a page may use."""
    folder = ROOT / "static" / "chatkit" / "widget"
    code = "\n".join(path.read_text() for path in sorted(folder.glob("*.js")))
    element = (folder / "element.js").read_text()
    listed = re.findall(r"^const (?:TEXTS|FLAGS) = \[(.*)\];", element, re.MULTILINE)
    attributes = re.findall(r'"(\w+)"', " ".join(listed))
    methods = [f"{name}(" for name in re.findall(r"^  async (\w+)\(", element, re.MULTILINE)]
    events = re.findall(r'mit\("(chatkit[.:][\w.]+)"', code)
    properties = re.findall(r"var\((--chatkit-[\w-]+)", code)
    return {*attributes, *methods, *events, *properties, *re.findall(r'make\("slot", \{ name: "(\w+)"', code)}


def main() -> None:
    problems = []
    for path in GENERATED:
        fresh = with_tables(path)
        if "--write" in sys.argv:
            (ROOT / path).write_text(fresh)
        elif fresh != (ROOT / path).read_text():
            problems.append(f"{path}: a table is out of date; run `python tests/documentation.py --write`.")
    described = (ROOT / "docs" / "api.md").read_text()
    problems += [f"docs/api.md: `{code}` is missing." for code in sorted(error_codes()) if f"`{code}`" not in described]
    chat = (ROOT / "docs" / "chat.md").read_text()
    spoken = [*EventType, *ChatConsumer.HANDLERS]
    problems += [f"docs/chat.md: `{name}` is missing." for name in spoken if name != "auth" and f"`{name}" not in chat]
    embedding = (ROOT / "docs" / "embedding.md").read_text()
    missing = [name for name in sorted(public_names_of_the_widget()) if f"`{name}" not in embedding]
    problems += [f"docs/embedding.md: `{name}` is missing." for name in missing]
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
