"""The search for secrets finds what it is there to find."""

from pathlib import Path

import pytest

from tests.leaks import CANARY, find_leaks


@pytest.mark.parametrize(
    "line",
    [f"password was {CANARY}-1", f"cks_{'a' * 43}", "eyJhbGciOiJIUzI1NiJ9.x.y", "integration-test-session-token-12345"],
)
def test_a_secret_in_a_log_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text(f"fine\n{line}\n")
    assert [found.split(": ")[0] for found in find_leaks(tmp_path)] == ["server.log:2"]


def test_redacted_lines_pass(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("session_token=[redacted] path=/health\n")
    assert list(find_leaks(tmp_path)) == []
