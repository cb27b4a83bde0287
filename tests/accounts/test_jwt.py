"""JSON Web Tokens: what is forged, foreign, expired or meant for something else is refused; one refresh wins."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apps.accounts import credentials, jwt, keys, sessions
from apps.accounts.models import Session, User
from chatkit.config import Config, ConfigurationError
from chatkit.errors import Unauthorized
from tests.accounts.conftest import Answer, Api
from tests.environment import CANARY
from tests.live import run_manage

pytestmark = [pytest.mark.database, pytest.mark.django_db]


@pytest.fixture
def pair(alice: User) -> jwt.Pair:
    return sessions.open_family(alice, user_agent="curl")


def claims_of(raw: str) -> dict[str, Any]:
    claims: dict[str, Any] = pyjwt.decode(raw, options={"verify_signature": False})
    return claims


def signed(claims: dict[str, Any], *, key: Any = None, algorithm: str = "HS256", kid: str | None = "hs256") -> str:
    headers = {} if kid is None else {"kid": kid}
    return pyjwt.encode(claims, keys.current().signing if key is None else key, algorithm=algorithm, headers=headers)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def refused(raw: str) -> str:
    answer = Api(raw).get("/auth/me")
    assert answer.status == 401
    return answer.error


def test_the_claims_are_those_of_the_contract(pair: jwt.Pair, alice: User) -> None:
    claims = claims_of(pair.access)
    assert {"iss", "aud", "sub", "iat", "exp", "jti", "type"} <= set(claims)
    assert (claims["sub"], claims["type"], claims["exp"] - claims["iat"]) == (str(alice.id), "access", 900)
    refresh = claims_of(pair.refresh)
    assert (refresh["type"], refresh["exp"] - refresh["iat"]) == ("refresh", 14 * 86_400)


def test_a_token_signed_here_is_good(pair: jwt.Pair) -> None:
    assert Api(signed(claims_of(pair.access))).get("/auth/me").status == 200


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "jti", "type", "sid"])
def test_a_token_without_one_of_its_claims_is_refused(pair: jwt.Pair, claim: str) -> None:
    claims = claims_of(pair.access)
    del claims[claim]
    assert refused(signed(claims)) == "invalid_token"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "somebody-else"},
        {"aud": []},
        {"type": "refresh"},
        {"type": "session"},
        {"sub": "nobody"},
        {"sid": 7},
        {"jti": None},
    ],
)
def test_a_token_for_somebody_or_something_else_is_refused(pair: jwt.Pair, change: dict[str, Any]) -> None:
    assert refused(signed({**claims_of(pair.access), **change})) in {"invalid_token", "token_revoked"}


def test_an_expired_token_says_so(pair: jwt.Pair) -> None:
    claims = claims_of(pair.access)
    assert refused(signed({**claims, "exp": claims["iat"] - 1})) == "token_expired"


def test_a_token_of_another_persons_session_is_refused(pair: jwt.Pair, bob: User) -> None:
    assert refused(signed({**claims_of(pair.access), "sub": str(bob.id)})) == "token_revoked"


def test_a_forged_signature_is_refused(pair: jwt.Pair) -> None:
    assert refused(signed(claims_of(pair.access), key=f"{CANARY}-some-other-key-of-32-bytes")) == "invalid_token"
    head, body, signature = pair.access.split(".")
    assert refused(f"{head}.{body}.{signature[::-1]}") == "invalid_token"
    assert refused(f"{head}.{part({**claims_of(pair.access), 'sub': 'x'})}.{signature}") == "invalid_token"


def test_the_secret_key_itself_signs_nothing(pair: jwt.Pair) -> None:
    assert refused(signed(claims_of(pair.access), key=django_settings.SECRET_KEY)) == "invalid_token"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
def test_no_algorithm_is_refused(pair: jwt.Pair, name: str) -> None:
    head, body = part({"alg": name, "typ": "JWT", "kid": "hs256"}), pair.access.split(".")[1]
    assert refused(f"{head}.{body}.") == "invalid_token"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
@pytest.mark.filterwarnings("ignore")
def test_another_algorithm_is_refused(pair: jwt.Pair, algorithm: str) -> None:
    assert refused(signed(claims_of(pair.access), algorithm=algorithm)) == "invalid_token"


@pytest.mark.parametrize("kid", [None, "", "other", "../../etc/passwd"])
def test_a_key_that_is_not_ours_is_refused(pair: jwt.Pair, kid: str | None) -> None:
    assert refused(signed(claims_of(pair.access), kid=kid)) == "invalid_token"


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(pair: jwt.Pair, api: Api) -> None:
    assert refused(pair.refresh) == "invalid_token"
    assert api.post("/auth/refresh", {"refresh_token": pair.access}).error == "invalid_token"


def test_a_header_that_nests_without_end_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2900).decode().rstrip("=")
    assert refused(f"{deep}.{part({})}.x") == "invalid_token"


@given(st.lists(st.text('eyJabc_-{}":[]', max_size=30), min_size=3, max_size=3).map(".".join))
def test_no_three_parts_whatever_do_more_than_be_refused(raw: str) -> None:
    with pytest.raises(Unauthorized):
        credentials.look_up(raw)


ODD = st.from_type(int) | st.text() | st.none() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), ODD))
def test_no_header_whatever_does_more_than_be_refused(header: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        credentials.look_up(f"{part(header)}.{part({'sub': CANARY})}.c2ln")


def refresh(api: Api, raw: str) -> Answer:
    return api.post("/auth/refresh", {"refresh_token": raw})


def test_a_refresh_gives_the_next_pair(api: Api, pair: jwt.Pair) -> None:
    following = refresh(api, pair.refresh).body
    assert Api(following["access_token"]).get("/auth/me").status == 200
    assert refresh(api, following["refresh_token"]).status == 200


def test_a_refresh_token_used_again_ends_all_that_came_from_the_log_in(api: Api, pair: jwt.Pair) -> None:
    following = refresh(api, pair.refresh).body
    assert refresh(api, pair.refresh).error == "token_revoked"
    assert refresh(api, following["refresh_token"]).error == "token_revoked"
    assert Api(following["access_token"]).get("/auth/me").error == "token_revoked"


def test_other_log_ins_survive_a_reuse(api: Api, pair: jwt.Pair, alice: User) -> None:
    elsewhere = sessions.open_family(alice, user_agent="")
    refresh(api, pair.refresh)
    refresh(api, pair.refresh)
    assert Api(elsewhere.access).get("/auth/me").status == 200


def test_log_out_ends_the_refresh_token_too(api: Api, pair: jwt.Pair) -> None:
    assert Api(pair.access).post("/auth/logout").status == 204
    assert refresh(api, pair.refresh).error == "token_revoked"


def test_a_disabled_person_gets_no_new_pair(api: Api, pair: jwt.Pair, alice: User) -> None:
    User.objects.filter(id=alice.id).update(is_active=False)
    assert refresh(api, pair.refresh).error == "account_disabled"


@pytest.mark.django_db(transaction=True)
def test_of_many_refreshes_at_once_one_wins(pair: jwt.Pair) -> None:
    def ask(_: int) -> int:
        try:
            return refresh(Api(), pair.refresh).status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as clients:
        assert sorted(clients.map(ask, range(8))) == [200] + [401] * 7


Make = Callable[[str, Any], Path]


@pytest.fixture
def key_file(tmp_path: Path) -> Make:
    def make(name: str, key: Any) -> Path:
        path = tmp_path / name
        if hasattr(key, "private_bytes"):
            content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        else:
            content = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        path.write_bytes(content)
        return path

    return make


def new_key(algorithm: str) -> Any:
    return rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())


def use(settings: Settings, algorithm: str, *files: Path) -> None:
    settings.CHATKIT = Config(jwt_algorithm=algorithm, jwt_key_files=list(files))
    credentials.forget()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_keys_rotate_without_logging_anybody_out(
    settings: Settings, alice: User, key_file: Make, algorithm: str
) -> None:
    old, new = new_key(algorithm), new_key(algorithm)
    use(settings, algorithm, key_file("old.pem", old))
    before = sessions.open_family(alice, user_agent="").access
    use(settings, algorithm, key_file("new.pem", new), key_file("old.pub", old.public_key()))
    after = sessions.open_family(alice, user_agent="").access
    assert [Api(raw).get("/auth/me").status for raw in (before, after)] == [200, 200]
    use(settings, algorithm, key_file("new.pem", new))
    assert (refused(before), Api(after).get("/auth/me").status) == ("invalid_token", 200)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_others_verify_with_the_published_keys(settings: Settings, alice: User, key_file: Make, algorithm: str) -> None:
    use(settings, algorithm, key_file("jwt.pem", new_key(algorithm)))
    access = sessions.open_family(alice, user_agent="").access
    published = pyjwt.PyJWKSet.from_dict(Client().get("/.well-known/jwks.json").json())
    key = published[pyjwt.get_unverified_header(access)["kid"]]
    claims = pyjwt.decode(access, key, algorithms=[algorithm], audience="chatkit", issuer=settings.CHATKIT.base_url)
    assert claims["sub"] == str(alice.id)


def test_a_public_key_is_no_secret_to_sign_with(settings: Settings, alice: User, key_file: Make) -> None:
    key = new_key("RS256")
    use(settings, "RS256", key_file("jwt.pem", key))
    access = sessions.open_family(alice, user_agent="").access
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = part({"alg": "HS256", "typ": "JWT", "kid": pyjwt.get_unverified_header(access)["kid"]})
    signing = pyjwt.algorithms.HMACAlgorithm(pyjwt.algorithms.HMACAlgorithm.SHA256)
    body = f"{head}.{access.split('.')[1]}"
    signature = base64.urlsafe_b64encode(signing.sign(body.encode(), public)).decode().rstrip("=")
    assert refused(f"{body}.{signature}") == "invalid_token"


def test_nothing_is_published_while_the_secret_key_signs() -> None:
    assert Client().get("/.well-known/jwks.json").json() == {"keys": []}
    assert Client().post("/.well-known/jwks.json").status_code == 405


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: rsa.generate_private_key(65537, 2048).public_key(), "must be a private key"),
        (lambda: ec.generate_private_key(ec.SECP256R1()), "is not a key for RS256"),
        (lambda: rsa.generate_private_key(65537, 1024), "is not a key for RS256"),  # noqa: S505
    ],
)
def test_an_unfit_key_is_named_with_the_remedy(key_file: Make, make: Callable[[], Any], reason: str) -> None:
    config = Config(jwt_algorithm="RS256", jwt_key_files=[key_file("jwt.pem", make())])
    with pytest.raises(ConfigurationError, match=reason) as refusal:
        keys.load(config)
    assert "openssl genpkey" in str(refusal.value)


def test_a_missing_key_stops_the_start_with_one_line(tmp_path: Path) -> None:
    chosen = {"JWT_ALGORITHM": "ES256", "DATA_DIR": str(tmp_path)}
    ended = run_manage("check", environment=chosen)
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert ended.stderr.startswith("chatkit: JWT_KEY_FILES: missing")


def test_the_family_expires_with_its_last_refresh_token(pair: jwt.Pair) -> None:
    session = Session.objects.get()
    assert session.expires_at - session.created_at >= timedelta(days=14) - timedelta(seconds=1)
