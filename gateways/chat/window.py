"""The newest of a room as clients get it: what was removed is not in it, what was edited has its last text.

Pure. Whoever was away since a delta that is still covered gets exactly what came after it, in order.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final, NamedTuple

import orjson

MOST: Final = 1000
TEXTS: Final = frozenset(("message", "edited", "pinned"))


class Item(NamedTuple):
    """One delta of a room. `wire` is its JSON; None for one that has nothing to show (any more).

    `only` is the account that it is for, "" for everybody.
    """

    id: int
    prev: int
    message_id: str
    account_id: str
    kind: str
    only: str
    wire: bytes | None


class Window:
    """Items in the log's order, at most `most`; `floor` is the newest id that it does not hold any more."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._ids: list[int] = []
        self._items: dict[int, Item] = {}
        self._of_message: dict[str, list[int]] = {}
        self._reacted: dict[str, int] = {}  # message id, "" for the room -> delta with its newest totals
        self.floor = -1

    @property
    def last(self) -> int:
        """The newest id; `floor` while there is none."""
        return self._ids[-1] if self._ids else self.floor

    def add(self, item: Item, doc: dict[str, Any]) -> None:
        """Append the next delta. `doc` is its document, for what it does to earlier ones.

        A delta that is not above the newest is one that came twice: it changes nothing.
        """
        if self._ids and item.id <= self.last:
            return
        if not self._ids:
            self.floor = item.prev
        self._ids.append(item.id)
        self._items[item.id] = item
        if item.message_id:
            self._of_message.setdefault(item.message_id, []).append(item.id)
        if item.kind == "edited" and item.wire is not None:
            self._edit(item, doc)
        elif item.kind == "removed":
            for message_id in doc["message_ids"]:
                self._hide(message_id)
        elif item.kind == "purged":
            for held in [i for i in self._items.values() if i.account_id == item.account_id]:
                self._blank(held)
        elif item.kind == "reactions":
            self._react(item, doc)
        if len(self._ids) > self._most:
            self._forget_oldest()

    def since(self, after: int) -> list[Item] | None:
        """What came after the id `after`; None if some of it is not held any more."""
        if after < self.floor:
            return None
        return [self._items[i] for i in self._ids[bisect_right(self._ids, after) :]]

    def newest(self, most: int) -> list[Item]:
        """Up to `most` of the newest that have something to show, in order."""
        found: list[Item] = []
        for number in reversed(self._ids):
            item = self._items[number]
            if item.wire is not None:
                found.append(item)
                if len(found) == most:
                    break
        return found[::-1]

    def messages(self) -> list[Item]:
        """Those that are shown, in order."""
        held = (self._items[i] for i in self._ids)
        return [item for item in held if item.kind == "message" and item.wire is not None]

    def items(self) -> list[Item]:
        """All that is held, in order."""
        return [self._items[i] for i in self._ids]

    def place(self, message_id: str) -> int | None:
        """Id of the delta that shows a message; None if it is not held, or removed."""
        shown = (i for i in self._of_message.get(message_id, ()) if self._items[i].kind == "message")
        return next((i for i in shown if self._items[i].wire is not None), None)

    def _edit(self, edit: Item, doc: dict[str, Any]) -> None:
        """Earlier texts of the message are gone: its item carries the newest one."""
        for number in self._of_message[edit.message_id]:
            held = self._items[number]
            if number == edit.id or held.wire is None or held.kind not in TEXTS or held.only != edit.only:
                continue
            shown = orjson.loads(held.wire) | {"text": doc["text"], "mentions": doc["mentions"]}
            if held.kind == "message":
                shown |= {"edits": doc["edit_number"], "edited_at_ms": doc["at_ms"]}
            self._items[number] = held._replace(wire=orjson.dumps(shown))

    def _react(self, item: Item, doc: dict[str, Any]) -> None:
        """Its totals say all that those before said, so that applause does not push messages out of sight."""
        for number in [i for i in self._reactions_to(item.message_id) if i != item.id]:
            del self._items[number]
            self._ids.remove(number)
            if item.message_id:
                self._of_message[item.message_id].remove(number)
        self._reacted[item.message_id] = item.id
        for number in self._of_message.get(item.message_id, ()):
            held = self._items[number]
            if held.kind == "message" and held.wire is not None:
                shown = orjson.loads(held.wire) | {"reactions": doc["totals"]}
                self._items[number] = held._replace(wire=orjson.dumps(shown))

    def _reactions_to(self, message_id: str) -> list[int]:
        before = self._reacted.get(message_id)
        return [before] if before is not None and before in self._items else []

    def _hide(self, message_id: str) -> None:
        for number in self._of_message.get(message_id, ()):
            self._blank(self._items[number])

    def _blank(self, item: Item) -> None:
        if item.message_id:  # tombstones stay
            self._items[item.id] = item._replace(wire=None)

    def _forget_oldest(self) -> None:
        oldest = self._items.pop(self._ids.pop(0))
        self.floor = oldest.id
        if self._reacted.get(oldest.message_id) == oldest.id:
            del self._reacted[oldest.message_id]
        if oldest.message_id:
            numbers = self._of_message[oldest.message_id]
            numbers.remove(oldest.id)
            if not numbers:
                del self._of_message[oldest.message_id]
