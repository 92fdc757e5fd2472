"""People who look at an address without a page get one; programs get the problem."""

from __future__ import annotations

import re
from html import escape

import pytest

from gateways.core.app import create_app
from gateways.core.deps import CoreDeps
from gateways.core.notice import prefers_html
from gateways.services import SERVICES
from tests.unit.gateways.conftest import Gateway, Serve

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
WITHOUT_PAGES = [name for name, service in SERVICES.items() if not service.pages]


@pytest.mark.parametrize("name", WITHOUT_PAGES)
async def test_a_service_without_pages_introduces_itself(name: str, core: CoreDeps, serve: Serve) -> None:
    client = await serve(create_app(SERVICES[name], core))
    page = await client.get("/", headers=BROWSER)
    text = await page.text()
    assert (page.status, page.content_type) == (200, "text/html")
    assert f"<h1>Kinolog: {name}</h1>" in text
    assert escape(SERVICES[name].about) in text
    assert "<script" not in text
    for address in re.findall(r'<a href="([^"]+)"', text):
        assert (await client.get(address)).status == 200
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        plain = await client.get("/", headers=headers)
        assert (plain.status, plain.content_type) == (404, "application/problem+json")


async def test_an_unknown_address_is_a_page_for_people(gateway: Gateway) -> None:
    page = await gateway.client.get("/no/<such>", headers=BROWSER)
    text = await page.text()
    assert (page.status, page.content_type) == (404, "text/html")
    assert "No page lives here" in text
    assert "/no/&lt;such&gt;" in text
    assert page.headers["X-Trace-Id"] in text
    assert 'href="/">Go to the library' in text
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]
    head = await gateway.client.head("/no", headers=BROWSER)
    assert (head.status, await head.text()) == (404, "")
    posted = await gateway.client.post("/no", headers=BROWSER)
    assert posted.content_type == "application/problem+json"


async def test_what_is_not_there_behind_a_route_stays_a_problem(gateway: Gateway) -> None:
    answer = await gateway.get("/v1/assets/nothing", **BROWSER)
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("Text/HTML; q=0.2", True),
        ("text/html, application/json;q=0.9", True),
        ("application/json, text/html;q=0.9", False),
        ("application/problem+json, text/html", False),
        ("text/html;q=0", False),
        ("text/html;q=high", False),
        ("*/*", False),
        ("text/*", False),
        ("", False),
    ],
)
def test_only_who_names_html_above_json_is_taken_for_a_person(accept: str, html: bool) -> None:
    assert prefers_html(accept) is html
