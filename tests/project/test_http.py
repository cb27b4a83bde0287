"""What every HTTP answer of a live server keeps to: ids, headers, origins, bounds, one error shape."""

import json
import socket
import uuid
from collections.abc import Iterator

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chatkit.handler import LARGEST_BODY
from tests.live import LiveServer

SITE = "https://www.example.com"
SHAPE = {"error", "message", "status_code", "detail", "request_id"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with LiveServer(tmp_path_factory.mktemp("http"), CORS_ORIGINS=SITE, METRICS_TOKEN="let-me-in") as started:
        yield started


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as made:
        yield made


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["error"], body["status_code"]) == (status, code, status)
    assert set(body) == SHAPE
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["message"].endswith((".", "!"))


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing", "/health/nothing", "/api/v1/"])
def test_an_unknown_api_path_is_json(client: httpx.Client, path: str) -> None:
    assert_error(client.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_a_wrong_method_is_json_and_names_the_right_ones(client: httpx.Client, path: str) -> None:
    answer = client.delete(path)
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_an_unknown_check_names_the_known_ones(client: httpx.Client) -> None:
    answer = client.get("/health?check=moon")
    assert_error(answer, 422, "invalid_request")
    assert "runtime" in answer.json()["detail"]["fields"]["check"][0]


def test_all_checks_report(client: httpx.Client) -> None:
    checks = client.get("/health?check=all").json()["checks"]
    assert set(checks) == {"cache", "db", "channels", "runtime", "aws"}
    assert {name: check["status"] for name, check in checks.items() if check["status"] != "ok"} == {"aws": "skipped"}


def test_a_request_id_of_the_client_is_kept(client: httpx.Client) -> None:
    mine = str(uuid.uuid4())
    assert client.get("/health", headers={"X-Request-ID": mine}).headers["X-Request-ID"] == mine


@pytest.mark.parametrize("theirs", ["", "not-a-uuid", "x" * 5000, "1\u00e9"])
def test_a_request_id_that_is_no_uuid_is_replaced(client: httpx.Client, theirs: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": theirs.encode()})  # type: ignore[dict-item]
    assert uuid.UUID(answer.headers["X-Request-ID"])


@pytest.mark.parametrize("path", ["/", "/health", "/api/nothing", "/nothing", "/admin/login/", "/api/docs", "/metrics"])
def test_every_answer_has_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-XSS-Protection"] == "1; mode=block"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers


def test_a_listed_origin_is_served_and_may_read_the_headers(client: httpx.Client) -> None:
    answer = client.get("/health", headers={"Origin": SITE})
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed == {"Content-Disposition", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"}


def test_a_preflight_of_a_listed_origin_is_answered(client: httpx.Client) -> None:
    asks = {"Origin": SITE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = client.options("/api/v1/chat", headers=asks)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, SITE)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://www.example.com", f"{SITE}.evil.example"])
def test_another_origin_is_refused_before_anything_happens(client: httpx.Client, origin: str) -> None:
    answer = client.get("/health", headers={"Origin": origin})
    assert_error(answer, 403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_servers_own_pages_may_call_it(client: httpx.Client, server: LiveServer) -> None:
    assert client.get("/health", headers={"Origin": server.url}).status_code == 200


def test_an_unknown_host_is_refused(client: httpx.Client) -> None:
    evil = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert_error(client.get("/health", headers=evil), 400, "invalid_request")


def raw(server: LiveServer, request: bytes) -> bytes:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_a_body_past_the_bound_is_refused(server: LiveServer) -> None:
    head = f"POST /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
    answer = raw(server, head.encode() + b"x" * (LARGEST_BODY + 1))
    assert b" 413 " in answer.splitlines()[0]
    assert b'"error":"payload_too_large"' in answer


def test_a_chunked_body_past_the_bound_is_refused(client: httpx.Client) -> None:
    chunks = (b"x" * 1024 * 1024 for _ in range(LARGEST_BODY // 1024 // 1024 + 1))
    assert_error(client.post("/api/v1/nothing", content=chunks), 413, "payload_too_large")


def test_raw_bytes_in_a_query_get_an_answer_with_all_headers(server: LiveServer) -> None:
    answer = raw(server, b"GET /health?check=\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b" 422 " in answer.splitlines()[0] or b" 400 " in answer.splitlines()[0]
    assert b"Traceback" not in answer


def test_people_get_a_page_and_programs_get_json(client: httpx.Client) -> None:
    page = client.get("/nothing")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["X-Request-ID"] in page.text


def test_a_form_without_its_csrf_token_gets_a_page(client: httpx.Client) -> None:
    answer = client.post("/admin/login/", data={"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "This form has expired." in answer.text


def test_the_schema_is_valid_openapi_3_1(client: httpx.Client) -> None:
    document = client.get("/api/schema").json()
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert "Error" in document["components"]["schemas"]


def test_static_files_are_compressed_and_hashed_ones_are_kept_for_ever(client: httpx.Client) -> None:
    page = client.get("/").text
    name = next(part for part in page.split('"') if part.startswith("/static/chatkit/site."))
    file = client.get(name, headers={"Accept-Encoding": "br"})
    assert "immutable" in file.headers["Cache-Control"]
    assert file.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in client.get("/static/chatkit/site.css").headers["Cache-Control"]
    assert client.get("/static/chatkit/gone.css").status_code == 404


def test_metrics_are_open_to_loopback(client: httpx.Client) -> None:
    client.get("/health")
    text = client.get("/metrics").text
    assert 'chatkit_http_requests_total{method="GET",route="health",status="200"}' in text
    for series in ("turns_running", "sockets_open", "ledger_rows_total", "ledger_queue", "provider_calls_total"):
        assert f"# HELP chatkit_{series}" in text


def test_metrics_behind_an_undeclared_proxy_need_the_token(client: httpx.Client) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert_error(client.get("/metrics", headers=forwarded), 403, "forbidden")
    with_token = {**forwarded, "Authorization": "Bearer let-me-in"}
    assert client.get("/metrics", headers=with_token).status_code == 200


def test_each_request_is_one_line_of_the_log_with_its_id(client: httpx.Client, server: LiveServer) -> None:
    mine = str(uuid.uuid4())
    client.get("/health?session_token=abc-s3cr3t-canary-def", headers={"X-Request-ID": mine})
    (line,) = [line for line in server.log().splitlines() if mine in line]
    assert "path=/health" in line
    assert "session_token=[redacted]" in line


def test_errors_are_never_html_for_programs(client: httpx.Client) -> None:
    answer = client.post("/health", content=b"{", headers={"Content-Type": "application/json"})
    assert json.loads(answer.text)["error"] == "method_not_allowed"
