"""The log page: content, causes, effects, filters, and events as they happen."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e import stub_data
from tests.e2e.conftest import Surface
from tests.e2e.stub_data import Json

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def film(surface: Surface, chunks: int = 6) -> tuple[str, list[Json]]:
    item = stub_data.asset("Harbour at first light")
    entries = stub_data.log_of(item["id"], chunks)
    surface.stub.put(item)
    surface.stub.append(item["id"], *entries)
    return f"/assets/{item['id']}/log", entries


async def test_loading_then_events_in_words(surface: Surface) -> None:
    path, entries = film(surface)
    gate = surface.stub.hold(f"/v1{path}")
    page = await surface.open(path)
    await expect(page.get_by_label("Loading")).to_be_visible()
    gate.set()
    await expect(page.get_by_text(f"{len(entries)} events", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Upload of harbour.mp4 started")).to_be_visible()
    await expect(page.get_by_role("button", name="Planned: 4 renditions, 6 chunks")).to_be_visible()
    await expect(page.locator(".event.run", has_text="WorkProgressed").first).to_contain_text("\u00d7 3")
    await expect(page.get_by_role("button", name="6 chunks requested")).to_be_visible()
    await expect(page.locator(".event.run", has_text="Encode chunk")).to_have_count(0)


async def test_event_opens_to_content_cause_and_effects(surface: Surface) -> None:
    path, entries = film(surface)
    page = await surface.open(path)
    await page.get_by_role("button", name="The file was checked and understood").click()
    opened = page.locator(".event[data-open]")
    await expect(opened.get_by_role("region", name="Decoded content")).to_contain_text('codec: "h264"')
    relations = opened.get_by_role("region", name="Causes and effects")
    await expect(relations).to_contain_text("Planned: 4 renditions")
    probed = next(entry for entry in entries if entry["type"].endswith("SourceProbed"))
    await expect(page).to_have_url(f"{surface.base}{path}#{probed['id']}")
    await relations.get_by_role("link", name="The file shall be checked").click()
    await expect(page.locator(".event[data-open]")).to_have_count(2)
    probe = next(entry for entry in entries if entry["type"].endswith("ProbeRequested"))
    await expect(page).to_have_url(f"{surface.base}{path}#{probe['id']}")


async def test_address_leads_to_one_event(surface: Surface) -> None:
    path, entries = film(surface, chunks=40)
    page = await surface.open(f"{path}#{entries[120]['id']}")
    await expect(page.locator(f"[id='{entries[120]['id']}'][data-open]")).to_be_in_viewport()


async def test_causes_show_a_tree(surface: Surface) -> None:
    path, _ = film(surface, chunks=9)
    page = await surface.open(path)
    await page.get_by_role("button", name="Causes").click()
    tree = page.get_by_label("Events under their causes")
    await expect(tree.locator("> li")).to_have_count(2)
    await tree.get_by_role("button", name="9 chunks requested").click()
    await expect(tree.get_by_role("button", name="Encode chunk 9")).to_be_visible()
    await expect(page).to_have_url(f"{surface.base}{path}?view=causes")


async def test_types_and_words_filter(surface: Surface) -> None:
    path, entries = film(surface)
    page = await surface.open(path)
    await page.get_by_role("checkbox", name="WorkProgressed").uncheck()
    await expect(page.locator(".event", has_text="WorkProgressed")).to_have_count(0)
    await page.keyboard.press("/")
    await page.keyboard.type("chunk-3 encoded")
    await expect(page.locator(".events .event")).to_have_count(1)
    await page.reload()
    await expect(page.locator(".events .event")).to_have_count(1)
    await page.locator("#filter").fill("no such word")
    await page.get_by_role("button", name="Show everything").click()
    first = next(entry for entry in entries if entry["type"].endswith("UploadStarted"))
    await expect(page.locator(f"[id='{first['id']}']")).to_be_visible()


async def test_new_events_appear_and_are_followed(surface: Surface) -> None:
    path, entries = film(surface, chunks=20)
    asset_id = entries[0]["key"]
    page = await surface.open(path)
    await surface.until(lambda: surface.stub.watched(f"log/{asset_id}"))
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await page.keyboard.press("f")
    await expect(page.get_by_role("switch", name="Follow")).to_be_checked()
    writer = stub_data.LogWriter(asset_id + "later", start_ms=entries[-1]["at_ms"] + 5000)
    late = writer.add("DeletionRequested", cause=entries[0]["id"])
    surface.stub.append(asset_id, late)
    await expect(page.locator(f"[id='{late['id']}']")).to_be_in_viewport()


async def test_a_cause_outside_the_page_can_be_found(surface: Surface) -> None:
    path, entries = film(surface)
    asset_id = entries[0]["key"]
    other = stub_data.LogWriter("another", start_ms=entries[0]["at_ms"] - 4000)
    outside = other.add("kinolog.engine.TimerDue")
    surface.stub.logs["another"] = [outside]
    inner = stub_data.LogWriter(asset_id + "y", start_ms=entries[-1]["at_ms"] + 2000)
    surface.stub.append(
        asset_id, inner.add("ChunkRequested", {"chunk_index": 1, "attempt": 2}, cause=outside["id"])
    )
    page = await surface.open(path)
    await page.get_by_role("button", name="Encode chunk 2, attempt 2").click()
    await page.get_by_role("button", name="Find the cause").click()
    await expect(page.locator(f"[id='{outside['id']}'][data-open]")).to_be_visible()


async def test_keys_walk_through_events(surface: Surface) -> None:
    path, _ = film(surface)
    page = await surface.open(path)
    await expect(page.locator(".line").first).to_be_visible()
    for _ in range(3):
        await page.keyboard.press("j")
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await expect(page.locator(".event[data-open]")).to_contain_text("Asset created")
    await page.keyboard.press("v")
    await expect(page.get_by_label("Events under their causes")).to_be_visible()


async def test_no_events_yet_and_an_error(surface: Surface) -> None:
    surface.tolerate("503")
    item = stub_data.asset("New", "uploaded")
    surface.stub.put(item)
    page = await surface.open(f"/assets/{item['id']}/log")
    await expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
    surface.stub.fail(
        "GET", f"/v1/assets/{item['id']}/log", 503, "History away", "ClickHouse does not answer.", times=1
    )
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("ClickHouse does not answer.")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="No events yet")).to_be_visible()
