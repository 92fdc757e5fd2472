"""What people do with their accounts, in a real browser before the real stack."""

from __future__ import annotations

import asyncio
import re
import uuid

import pytest
from playwright.async_api import Browser, Page, expect

from deploy.local.launcher import Stack
from tests.e2e.people import PASSWORD, Somebody, somebody
from tests.integration.chat.town import town_of
from tests.support.browser import PATIENCE_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def act(page: Page, person: str, what: str) -> None:
    """Choose from the menu of somebody's row in the list of users."""
    row = page.locator(".people .line", has_text=person)
    await row.get_by_role("button", name=f"More for {person}").click()
    await row.get_by_role("menuitem", name=what).click()


async def invited(admin: Somebody, email: str, name: str) -> str:
    """The link that an administrator's page shows."""
    page = await admin.open("/users")
    await page.get_by_role("button", name="Invite", exact=True).first.click()
    dialog = page.locator("wa-dialog")
    await dialog.get_by_label("Address").fill(email)
    await dialog.get_by_label("Name").fill(name)
    await dialog.get_by_role("checkbox", name="creator").check()
    await dialog.get_by_label("Reason").fill("makes films for us")
    await dialog.get_by_role("button", name="Make the link").click()
    link = await page.get_by_label("One-time link").inner_text()
    await page.get_by_role("button", name="Done").click()
    await expect(page.locator(".people .line", has_text=name)).to_contain_text("Invited")
    return link


async def test_from_an_invitation_to_an_api_key_and_out(browser: Browser, platform_stack: Stack) -> None:
    name = f"Grace {uuid.uuid4().hex[:6]}"
    email = f"{uuid.uuid4().hex[:12]}@people.example"
    async with somebody(browser, platform_stack) as admin, somebody(browser, platform_stack) as grace:
        await admin.join("admin", name="Ada")
        link = await invited(admin, email, name)
        grace.tolerate("401")  # nobody is signed in at first, nor in the end
        page = grace.page
        await page.goto(link)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Set the password").click()
        await expect(page.get_by_role("status").filter(has_text="Your password is set")).to_be_visible()
        token = link.partition("token=")[2]
        assert token
        assert not any(token in url.partition("#")[0] for url in grace.asked), "the token left the fragment"
        await page.get_by_label("Address").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page).to_have_url(f"{platform_stack.url('streaming')}/")
        await page.get_by_role("button", name=f"{name} account menu").click()
        await expect(page.get_by_role("menuitem", name="Users")).to_have_count(0)
        await page.get_by_role("menuitem", name="Account").click()
        await expect(page.locator("kl-sessions .line")).to_have_count(1)
        await expect(page.locator("kl-sessions .line")).to_contain_text("This one")
        await use_a_key(grace)
        await page.get_by_role("button", name=f"{name} account menu").click()
        await page.get_by_role("menuitem", name="Sign out").click()
        await expect(page.get_by_role("status").filter(has_text="You are signed out.")).to_be_visible()
        await grace.open("/account")
        await expect(page.get_by_role("dialog", name="Sign in to Kinolog")).to_be_visible()


async def use_a_key(person: Somebody) -> None:
    """Make an API key, use it, rotate it, revoke both."""
    page = person.page
    await page.get_by_role("button", name="New key").click()
    dialog = page.locator("wa-dialog")
    await dialog.get_by_label("Name").fill("Nightly")
    await expect(dialog.get_by_role("button", name="Make the key")).to_be_disabled()
    await dialog.get_by_role("checkbox", name="account:self").check()
    await dialog.get_by_role("button", name="Make the key").click()
    keys = [await page.get_by_label("API key", exact=True).inner_text()]
    await page.get_by_role("button", name="Done").click()
    await expect(page.locator("kl-keys .line")).to_have_count(1)
    await expect(page.locator("kl-keys")).not_to_contain_text(keys[0])
    await page.get_by_role("button", name="Rotate Nightly").click()
    await page.get_by_role("button", name="Rotate", exact=True).click()
    keys.append(await page.get_by_label("API key", exact=True).inner_text())
    await page.get_by_role("button", name="Done").click()
    await expect(page.locator("kl-keys .line", has_text="Replaced")).to_have_count(1)
    for key in keys:
        assert await standing(person, key) == 200
    for left in (1, 0):
        await page.get_by_role("button", name="Revoke Nightly").first.click()
        await page.get_by_role("button", name="Revoke", exact=True).click()
        await expect(page.locator("kl-keys .line")).to_have_count(left)
    async with asyncio.timeout(PATIENCE_MS / 1000):
        for key in keys:
            while await standing(person, key) != 401:
                await page.evaluate("new Promise(requestAnimationFrame)")


async def standing(person: Somebody, key: str) -> int:
    """Status of a request with an API key."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = await person.context.request.get(f"{person.base}/v1/me", headers=headers)
    return answer.status


async def test_who_is_disabled_is_told_at_the_next_click_and_the_audit_shows_it(
    browser: Browser, platform_stack: Stack
) -> None:
    name = f"Vera {uuid.uuid4().hex[:6]}"
    async with somebody(browser, platform_stack) as admin, somebody(browser, platform_stack) as vera:
        await admin.join("admin", name=f"Ada {uuid.uuid4().hex[:6]}")
        await vera.join("viewer", name=name)
        theirs = await vera.open("/account")
        await expect(theirs.locator("kl-sessions .line")).to_have_count(1)
        page = await admin.open(f"/users?q={name.partition(' ')[2]}")
        await act(page, name, "Disable…")
        await page.get_by_label("Reason").fill("lost their laptop")
        await page.get_by_role("button", name="Disable", exact=True).click()
        await expect(page.locator(".people .line")).to_contain_text("Disabled")
        vera.tolerate("401")
        await vera.eventually("/v1/me", 401)
        await theirs.get_by_label("Name").fill("Vera R.")
        await theirs.get_by_role("button", name="Save").click()
        await expect(theirs.locator("#sign-in-error")).to_contain_text(
            "An administrator disabled this account"
        )
        await act(page, name, "Audit")
        await expect(page).to_have_url(re.compile(f"account_id={vera.account_id}"))
        entry = page.locator(".acts .line", has_text="disabled")
        await look_again(page, page.get_by_text("lost their laptop"))
        await expect(entry).to_contain_text(name)
        await page.get_by_label("What").select_option("account.open")
        await expect(page.locator(".acts .line", has_text="opened the account of")).to_have_count(1)
        await expect(entry).to_have_count(0)
        await page.goto(f"{admin.base}/audit?actor={admin.account_id}&time=hour")
        await look_again(page, entry)


async def test_who_erases_somebody_chooses_what_becomes_of_their_films(
    browser: Browser, platform_stack: Stack
) -> None:
    name = f"Rosa {uuid.uuid4().hex[:6]}"
    async with somebody(browser, platform_stack) as admin, somebody(browser, platform_stack) as rosa:
        await admin.join("admin", name=f"Ada {uuid.uuid4().hex[:6]}")
        await rosa.join("creator", name=name)
        await rosa.open("/sign-in")
        await rosa.upload("A film of Rosa's")
        page = await admin.open(f"/users?q={name.partition(' ')[2]}")
        await act(page, name, "Erase…")
        await expect(page.get_by_role("radio", name="Delete them")).to_be_checked()
        heir = page.get_by_label("Who gets them")
        await expect(heir).to_be_hidden()
        await page.get_by_role("radio", name="Keep them").check()
        await expect(heir).to_have_value(admin.account_id)  # the one who asks comes first
        await page.get_by_label(f"Type {rosa.email} to confirm").fill(rosa.email)
        await page.get_by_label("Reason").fill("left us")
        await page.get_by_role("button", name="Erase for ever").click()
        await expect(page.locator(".people .line", has_text=name)).to_have_count(0)
        await page.goto(f"{admin.base}/audit?account_id={rosa.account_id}")
        await look_again(page, page.locator(".acts .line", has_text="with all films left to"))
        taken = page.locator(".acts .line", has_text=re.compile("took film .* from"))
        await look_again(page, taken)
        await expect(taken.get_by_role("link")).to_have_attribute(
            "href", re.compile(f"^{re.escape(platform_stack.url('streaming'))}/assets/[0-9a-f]+/log$")
        )
        await page.get_by_label("What").select_option("asset.delete")
        await expect(page.get_by_text("Nothing fits")).to_be_visible()


async def test_the_audit_tells_of_rooms_and_leads_to_them(browser: Browser, platform_stack: Stack) -> None:
    async with somebody(browser, platform_stack) as admin, town_of(platform_stack) as town:
        name = f"Mo {uuid.uuid4().hex[:6]}"
        await admin.join("admin", name=f"Ada {uuid.uuid4().hex[:6]}")
        ann, mo = await town.person("creator"), await town.person("moderator", name=name)
        room = await town.room(ann)
        ban = {"account_id": (await town.person(name="Ben")).account_id, "kind": "shadow", "reason": "spam"}
        await town.ask("POST", f"/v1/rooms/{room}/sanctions", 200, ban, mo)
        await town.ask("PATCH", f"/v1/rooms/{room}", 200, {"read_only": True}, mo)
        page = await admin.open(f"/audit?actor={mo.account_id}")
        changed = page.locator(".acts .line", has_text="changed settings")
        await look_again(page, changed)
        await expect(changed).to_contain_text("read only")
        await page.get_by_label("What").select_option("chat.sanction")
        entry = page.locator(".acts .line", has_text="shadow banned")
        await expect(entry).to_contain_text(f"{name} shadow banned Ben in room")
        await expect(entry).to_contain_text("spam")
        await expect(entry.get_by_role("link")).to_have_attribute(
            "href", f"{platform_stack.url('chat')}/rooms/{room}"
        )


async def look_again(page: Page, wanted: object) -> None:
    """Read the audit anew until it shows this: the history is a moment behind."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await wanted.count():  # type: ignore[attr-defined]
            anew = page.get_by_role("button", name="Read anew")
            await anew.click()
            await expect(anew).to_be_enabled()


async def test_another_session_is_ended_from_here_and_the_account_erased(
    browser: Browser, platform_stack: Stack
) -> None:
    async with somebody(browser, platform_stack) as here, somebody(browser, platform_stack) as there:
        await here.join("viewer", name="Joan")
        there.email = here.email
        await there.sign_in()
        away = await there.open("/account")
        await expect(away.locator("kl-sessions .line")).to_have_count(2)
        page = await here.open("/account")
        await page.get_by_role("button", name="End all others").click()
        await expect(page.locator("kl-sessions .line")).to_have_count(1)
        there.tolerate("401")
        await there.eventually("/v1/me", 401)
        await away.get_by_role("button", name="New key").click()
        await away.locator("#key-name").fill("too late")
        await away.get_by_role("checkbox").first.check()
        await away.get_by_role("button", name="Make the key").click()
        await expect(away.locator("#sign-in-error")).to_contain_text("Your login session has ended")
        here.tolerate("401")
        await page.get_by_role("button", name="Erase my account…").click()
        gone = page.get_by_role("button", name="Erase for ever")
        await expect(gone).to_be_disabled()
        await page.get_by_label(f"Type {here.email} to confirm").fill(here.email)
        await gone.click()
        await expect(page.get_by_role("status").filter(has_text="Your account is closed")).to_be_visible()
        await page.get_by_label("Address").fill(here.email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.locator("#sign-in-error")).to_contain_text("The address or the password is wrong")
