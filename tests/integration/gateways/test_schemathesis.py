"""Whatever schemathesis makes of a service's OpenAPI, the answer is one of those that it documents.

The same examples each time. Ids that exist stand in for made-up ones in every other example. What is not
asked blindly: streams of events, which do not end (they have a test of their own), and what ends the
caller's credential, which a person of its own asks.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation

from deploy.local.launcher import Stack
from gateways.core.server import MAX_LINE_BYTES
from gateways.services import SERVICES

load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
        "unsupported_method",
    ]
)
EXAMPLES = 2  # of each kind (valid, and wrong in one place) for each operation and caller
PATIENCE_S = 60
PASSWORD = "seven small yellow submarines"
ENDS_THE_CALLER = {
    "DELETE /v1/me",
    "DELETE /v1/session",
    "DELETE /v1/sessions/current",
    "DELETE /v1/sessions/{sid}",
}
BUSY = {"overloaded", "unavailable", "deadline"}
STEADY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Caller:
    """Who asks: headers of every request, and ids of things that are there."""

    headers: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Platform:
    """The services as `requests` sees them."""

    stack: Stack
    http: requests.Session

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.credentials['admin_api_key']}"}

    def ask(self, method: str, url: str, headers: dict[str, str], **sent: Any) -> Any:
        """The document of a successful answer; a busy machine is asked again."""
        until = time.monotonic() + PATIENCE_S
        while True:
            answer = self.http.request(method, url, headers=headers, timeout=PATIENCE_S, **sent)
            if answer.status_code not in (503, 504) or time.monotonic() > until:
                assert answer.status_code < 300, f"{method} {url}: {answer.status_code} {answer.text}"
                return answer.json()

    def account(self) -> Caller:
        """A creator with a login session, a key and a film (which is none, and fails)."""
        base, email = self.stack.url("identity"), f"{uuid.uuid4().hex[:12]}@people.example"
        wish = {"email": email, "roles": ["creator"], "password": PASSWORD}
        user = self.ask("POST", f"{base}/v1/users", self.admin, json=wish)
        sign_in = {"email": email, "password": PASSWORD}
        tokens = self.ask("POST", f"{base}/v1/sessions", {}, json=sign_in)
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        wish = {"name": "a key", "scopes": ["account:self"]}
        key = self.ask("POST", f"{base}/v1/api-keys", headers, json=wish)
        url = f"{self.stack.url('streaming')}/v1/assets?title=no+film"
        body = {"data": b"no film", "headers": {**headers, "Content-Type": "application/octet-stream"}}
        asset = self.ask("POST", url, **body)
        ids = {"account_id": user["id"], "key_id": key["id"], "sid": tokens["sid"], "asset_id": asset["id"]}
        return Caller(headers, ids)


@pytest.fixture(scope="module")
def platform(platform_stack: Stack) -> Iterator[Platform]:
    with requests.Session() as http:
        yield Platform(platform_stack, http)


@pytest.fixture(scope="module")
def callers(platform: Platform) -> dict[str, Caller]:
    """By kind. The ids are somebody else's: what nobody may, and what an administrator does to people."""
    ids = platform.account().ids
    return {
        "admin": Caller(platform.admin, ids),
        "account": platform.account(),
        "nobody": Caller({}, ids),
    }


def document_of(platform: Platform, service: str) -> dict[str, Any]:
    url = f"{platform.stack.url(service)}/openapi.json"
    return dict(platform.ask("GET", url, {}))


@pytest.mark.parametrize("kind", ["admin", "account", "nobody"])
@pytest.mark.parametrize("service", list(SERVICES))
def test_every_answer_is_documented(
    platform: Platform, callers: dict[str, Caller], service: str, kind: str
) -> None:
    schema = schemathesis.openapi.from_dict(document_of(platform, service))
    caller, seen, wrong = callers[kind], Counter[int](), list[str]()
    for found in schema.get_all_operations():
        operation = found.ok()
        if streams(operation):
            continue
        asks = platform.account() if kind == "account" and operation.label in ENDS_THE_CALLER else caller
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.POSITIVE or takes_anything(operation):
                wrong += examine(platform, service, operation, mode, asks, seen)
    assert not wrong, "\n".join(wrong)
    assert seen[200] > 0  # not everything was refused


def streams(operation: APIOperation[Any, Any, Any]) -> bool:
    good = operation.definition.raw["responses"].get("200", {})
    return "text/event-stream" in good.get("content", {})


def takes_anything(operation: APIOperation[Any, Any, Any]) -> bool:
    """Whether there is something in which a request can be wrong."""
    return bool(list(operation.query) or list(operation.body))


def examine(
    platform: Platform,
    service: str,
    operation: APIOperation[Any, Any, Any],
    mode: GenerationMode,
    caller: Caller,
    seen: Counter[int],
) -> list[str]:
    """What is wrong with the answers to examples of one operation."""
    wrong: list[str] = []

    @STEADY
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def ask(case: schemathesis.Case, real: bool) -> None:
        if real:
            case.path_parameters.update({k: caller.ids.get(k, v) for k, v in case.path_parameters.items()})
        answer = case.call(
            base_url=platform.stack.url(service),
            session=platform.http,
            headers=caller.headers,
            timeout=PATIENCE_S,
        )
        if len(answer.request.url or "") > MAX_LINE_BYTES:
            return  # too long for a request: no service of ours has seen it
        seen[answer.status_code] += 1
        said = f"{operation.label} ({mode.value}): {answer.status_code} {answer.text[:300]}"
        if answer.status_code >= 500 and not (busy(answer) or switched_off(answer)):
            wrong.append(said)
        try:
            case.validate_response(answer, checks=CHECKED, headers=caller.headers)
        except (Failure, FailureGroup) as failure:
            told = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
            wrong.append("; ".join([said, *(f"{each.title}: {each.message}" for each in told)]))
        if operation.label == "POST /v1/assets" and answer.status_code == 202:
            url = f"{platform.stack.url(service)}/v1/assets/{answer.json()['id']}"
            platform.ask("DELETE", url, platform.admin)

    ask()
    return wrong


def switched_off(answer: schemathesis.Response) -> bool:
    """Whether it says which setting is missing: this platform has no licence servers of vendors."""
    problem = answer.json()
    return str(problem.get("type", "")).endswith(":not-configured") and "_LICENCES" in problem["detail"]


def busy(answer: schemathesis.Response) -> bool:
    """Whether a machine with too much to do says so as is documented: when to come again."""
    kind = str(answer.json().get("type", "")).removeprefix("urn:kinolog:problem:")
    return answer.status_code in (503, 504) and kind in BUSY and "retry-after" in answer.headers


@pytest.mark.parametrize("kind", ["admin", "account", "nobody"])
def test_streams_of_events_begin_as_documented(
    platform: Platform, callers: dict[str, Caller], kind: str
) -> None:
    """What they say goes on for ever; asked for is the head of the answer, and that something comes."""
    schema = schemathesis.openapi.from_dict(document_of(platform, "streaming"))
    operations = [found.ok() for found in schema.get_all_operations() if streams(found.ok())]
    assert len(operations) == 2
    for operation in operations:
        documented = {int(status) for status in operation.definition.raw["responses"]}
        for asset_id in (callers[kind].ids["asset_id"], "f" * 32, "%00", "x" * 300):
            url = platform.stack.url("streaming") + operation.path.replace("{asset_id}", asset_id)
            headers = callers[kind].headers
            with platform.http.get(url, headers=headers, stream=True, timeout=PATIENCE_S) as answer:
                assert answer.status_code in documented, (url, answer.status_code)
                assert answer.status_code < 500, (url, answer.text)
                if answer.status_code == 200:
                    assert answer.headers["Content-Type"].startswith("text/event-stream")
                    assert answer.raw.readline()
