"""How often somebody may ask for recommendations."""

import pytest

from tests.accounts.conftest import Api

pytestmark = [pytest.mark.database, pytest.mark.django_db]


def test_the_fourth_request_in_a_minute_is_refused(as_alice: Api, as_bob: Api) -> None:
    answers = [as_alice.post("/user/personalize", {}) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"personalize";q=3;w=60'
    assert int(answers[3].headers["Retry-After"]) == answers[3].body["detail"]["retry_after"]
    assert as_bob.post("/user/personalize", {}).status == 200


def test_nobody_without_a_credential_gets_any(api: Api) -> None:
    assert api.post("/user/personalize", {}).error == "no_token"
