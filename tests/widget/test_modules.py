"""The modules themselves: Node's own tests, and how much a visitor has to load."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.live import LiveServer, run_manage

STRICT = os.environ.get("CI") == "true"
# What a page loads before anybody asked anything; all else comes when it is needed.
LATER = {"account", "dialog", "markdown", "message", "selection", "signup", "sse"}
LANGUAGES = {"ar", "de", "es", "fr"}


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Bytes of each module as a browser gets it: collected, hashed, compressed."""
    folder = tmp_path_factory.mktemp("collected")
    server = LiveServer(folder)
    ended = run_manage("collectstatic", "--noinput", environment=server.settings)
    assert ended.returncode == 0, ended.stderr
    static = folder / "data" / "static"
    names = json.loads((static / "staticfiles.json").read_text())["paths"]
    own = {name: hashed for name, hashed in names.items() if name.startswith("chatkit/widget/")}
    return {Path(name).stem: sent(static / hashed) for name, hashed in own.items()} | {
        "chatkit": sent(static / "chatkit" / "chatkit.js")
    }


def sent(file: Path) -> int:
    compressed = file.with_name(f"{file.name}.br")
    return (compressed if compressed.exists() else file).stat().st_size


def test_the_first_view_and_the_whole_stay_small(sizes: dict[str, int]) -> None:
    language = max(sizes[name] for name in LANGUAGES)
    first = sum(size for name, size in sizes.items() if name not in LATER | LANGUAGES)
    whole = sum(size for name, size in sizes.items() if name not in LANGUAGES)
    assert first + language <= 25 * 1024
    assert whole + language <= 40 * 1024


def test_the_address_without_a_hash_leads_to_hashed_modules(tmp_path: Path) -> None:
    server = LiveServer(tmp_path)
    assert run_manage("collectstatic", "--noinput", environment=server.settings).returncode == 0
    entry = (tmp_path / "data" / "static" / "chatkit" / "chatkit.js").read_text()
    assert re.search(r"\./widget/element\.[0-9a-f]{12}\.js", entry)
    for module in (tmp_path / "data" / "static" / "chatkit" / "widget").glob("*.????????????.js"):
        checked = subprocess.run(["node", "--check", str(module)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.skipif(shutil.which("node") is None and not STRICT, reason="Node is not installed; run `make tools`.")
@pytest.mark.parametrize("name", ["markdown", "strings"])
def test_nodes_own_tests_pass(name: str) -> None:
    command = ["node", "--test", f"tests/javascript/{name}.test.js"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
