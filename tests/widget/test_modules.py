"""The modules themselves: Node's own tests, and how much a visitor has to load."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.live import LiveServer

STRICT = os.environ.get("CI") == "true"
# What a page loads before anybody asked anything; all else comes when it is needed.
LATER = {"account", "dialog", "markdown", "message", "selection", "signup", "sse"}
needs_node = pytest.mark.skipif(
    shutil.which("node") is None and not STRICT, reason="Node is not installed; run `make tools`."
)
LANGUAGES = {"ar", "de", "es", "fr"}


@pytest.fixture(scope="module")
def collected(server: LiveServer) -> dict[str, Path]:
    """The modules as a server serves them, by name."""
    static = server.folder / "data" / "static"
    names = json.loads((static / "staticfiles.json").read_text())["paths"]
    own = {name: hashed for name, hashed in names.items() if name.startswith("chatkit/widget/")}
    return {Path(name).stem: static / hashed for name, hashed in own.items()} | {
        "chatkit": static / "chatkit/chatkit.js"
    }


def sent(file: Path) -> int:
    compressed = file.with_name(f"{file.name}.br")
    return (compressed if compressed.exists() else file).stat().st_size


def test_the_first_view_and_the_whole_stay_small(collected: dict[str, Path]) -> None:
    sizes = {name: sent(file) for name, file in collected.items()}
    language = max(sizes[name] for name in LANGUAGES)
    first = sum(size for name, size in sizes.items() if name not in LATER | LANGUAGES)
    whole = sum(size for name, size in sizes.items() if name not in LANGUAGES)
    assert first + language <= 25 * 1024
    assert whole + language <= 40 * 1024


def test_the_address_without_a_hash_leads_to_hashed_modules(collected: dict[str, Path]) -> None:
    assert re.search(r"\./widget/element\.[0-9a-f]{12}\.js", collected["chatkit"].read_text())


@needs_node
def test_every_collected_module_is_whole(collected: dict[str, Path]) -> None:
    """Comments are taken out on the way, and nothing else."""
    for file in collected.values():
        assert "/**\n" not in file.read_text()
        checked = subprocess.run(
            ["node", "--check", "--input-type=module"],
            input=file.read_text(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, f"{file.name}: {checked.stderr}"


@needs_node
@pytest.mark.parametrize("name", ["markdown", "strings"])
def test_nodes_own_tests_pass(name: str) -> None:
    command = ["node", "--test", f"tests/javascript/{name}.test.js"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
