"""A fresh server answers about ChatKit from ChatKit's own documents, until it has others."""

from collections.abc import Callable

import httpx

from tests.live import LiveServer, run_manage


def ask(server: LiveServer, question: str) -> dict[str, object]:
    token = httpx.post(f"{server.url}/api/v1/auth/visitor", json={}).json()["visitor_token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{server.url}/api/v1/chat", json={"message": question}, headers=headers, timeout=30)
    found: dict[str, object] = answer.json()
    return found


def test_a_fresh_server_answers_about_itself_with_sources(start_server: Callable[..., LiveServer]) -> None:
    answer = ask(start_server(), "How do I set a rate limit?")
    assert "RATE_LIMITS__" in str(answer["answer"])
    assert answer["sources"]


def test_an_owners_documents_take_their_place(start_server: Callable[..., LiveServer]) -> None:
    server = start_server()
    page = server.folder / "opening.md"
    page.write_text("# Opening hours\n\nThe nursery opens at nine and closes at six.\n")
    assert run_manage("ingest", str(page), environment=server.settings).returncode == 0
    server.stop()
    server.start()
    assert "nine" in str(ask(server, "When does the nursery open?")["answer"])
    assert "RATE_LIMITS__" not in str(ask(server, "How do I set a rate limit?")["answer"])
