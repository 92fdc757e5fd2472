"""CMCD as players write it, and as nobody should."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import http_sf
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateways.core import cmcd
from gateways.core.cmcd import CmcdInvalid, parse

V1 = (
    'bl=21300,br=3200,bs,cid="faec5fc2-ac30-11ea-bb37-0242ac130002",d=4004,dl=18500,mtp=48100,'
    'nor="..%2Fsegment35.m4s",nrr="12323-48763",ot=v,pr=1.08,rtp=12000,sf=d,'
    'sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=v,su,tb=6000'
)
V2 = (
    'bl=(2100 1300;a),br=(3200;v 128;a),bsa=(2),bsda=(340),cid="a",com.example-key="x",e=ps,mtp=(48100),'
    'sid="s",sn=4,sta=r,ts=1731000000000,v=2'
)


def test_version_1_in_the_query() -> None:
    record = parse(cmcd.sent_with({"CMCD": V1}, {}))
    assert (cmcd.number(record, "br"), cmcd.number(record, "pr")) == (3200, 1.08)
    assert cmcd.flag(record, "bs")
    assert cmcd.text(record, "sid") == "6e2fb550-c457-11e9-bb97-0800200c9a66"
    assert cmcd.player(record) == "DASH"


def test_version_1_in_four_headers() -> None:
    headers = {
        "CMCD-Session": 'sid="s",sf=h', "CMCD-Request": "mtp=25400", "CMCD-Status": "bs",
        "CMCD-Object": "br=3200,d=4004,ot=v",
    }  # fmt: skip
    record = parse(cmcd.sent_with({}, headers))
    assert (cmcd.text(record, "sid"), cmcd.player(record), cmcd.number(record, "br")) == ("s", "HLS", 3200)
    assert cmcd.flag(record, "bs")
    assert cmcd.sent_with({}, {}) == ""


def test_version_2_has_lists_by_kind_of_object() -> None:
    record = parse(V2)
    assert (cmcd.number(record, "br"), cmcd.number(record, "bl")) == (3200, 2100)
    assert (record["sn"], record["sta"], record["ts"]) == (4, "r", 1731000000000)
    assert record["com.example-key"] == "x"


@pytest.mark.parametrize(
    "text",
    ["=", "br=", 'sid="', "br=1;", "Br=1", "br=1,,d=2", "br=1,", "ä=1", 'sid="é"', "x" * 9000,
     "a=@99999999999999", "n=9999999999999999", "r=1.23456", "\x00"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    with pytest.raises(CmcdInvalid):
        parse(text)


@pytest.mark.parametrize(
    ("text", "key", "number", "words"),
    [
        ("br=fast", "br", None, "fast"),
        ('br="12"', "br", None, "12"),
        ("br", "br", None, ""),
        ("br=()", "br", None, ""),
        ("br=:aGk=:", "br", None, ""),
        ("br=@1659578233", "br", None, ""),
        (f'br="{"x" * 65}"', "br", None, ""),
        ("br=-5", "br", -5, ""),
    ],
)
def test_values_of_another_kind_are_none(text: str, key: str, number: float | None, words: str) -> None:
    record = parse(text)
    assert cmcd.number(record, key) == number
    assert cmcd.text(record, key) == words


_KEYS = st.from_regex(r"[a-z*][a-z0-9_\-.*]{0,10}", fullmatch=True)
_BARE = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.booleans(),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    st.from_regex(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+\-.^_`|~]{0,20}", fullmatch=True).map(http_sf.Token),
    st.decimals(-1000, 1000, places=3),
)


@given(st.dictionaries(_KEYS, st.one_of(_BARE, st.lists(_BARE, max_size=3)), min_size=1, max_size=8))
def test_what_was_written_is_read(record: dict[str, Any]) -> None:
    found = parse(http_sf.ser(record))
    assert set(found) == set(record)
    for key, value in record.items():
        many = value if isinstance(value, list) else [value]
        read = found[key]
        assert (read if isinstance(read, list) else [read]) == [
            str(one) if isinstance(one, http_sf.Token) else float(one) if isinstance(one, Decimal) else one
            for one in many
        ]


@given(st.one_of(st.text(max_size=300), st.text('abc=,;()"?@:%1.-* \t', max_size=60)))
@example('a="\\')
@example("a=%")
@example('a=%"%')
@example("a=@")
@example("a=?")
@example("a=:")
@example("a=(")
def test_it_raises_nothing_but_its_own_error(text: str) -> None:
    try:
        record = parse(text)
    except CmcdInvalid:
        return
    for key in record:
        cmcd.number(record, key)
        cmcd.text(record, key)
        cmcd.flag(record, key)
