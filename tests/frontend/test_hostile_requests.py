"""Whatever a stranger puts into an address, form, file or header: no page fails, and none repeats Host."""

import json
import socket
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPResponse
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest

from tests.frontend.builders import running_front_end
from tests.racing.importers.builders import FORM_HEADER, form_row
from tests.racing.seasons import make_season
from tests.service.builders import make_card, make_registry, running_service

DEEP = "[" * 20_000
CSV = "\n".join([FORM_HEADER, form_row()])
#: As they stand in an address or a form, percent-encoded.
VALUES = [
    "%ed%a0%80", "%ff%fe", "%00", "a%00b", "%0d%0aX-Evil:%201", "%2e%2e%2f", "%u0041", "%", "%zz",
    "1e400", "-1e400", "NaN", "Infinity", "-1", "0", "1.5", "9" * 30, "9" * 5000, "%D9%A1%D9%A2", "0x10",
    "2026-02-30", "9999-12-31", "0001-01-01", "%26%3Cscript%3E", quote("{{7*7}}"), quote("[" * 3000),
    "a" * 10_000, "",
]  # fmt: skip
GETS = {
    "/": (),
    "/race": ("day", "before", "name1", "price1", "distance_m", "date", "track", "on"),
    "/race/past": ("day", "before"),
    "/race/fill": ("name1", "price1", "distance_m", "date", "track"),
    "/race/card": (
        "date",
        "track",
        "distance_m",
        "grade",
        "race_number",
        "name1",
        "price1",
        "name2",
        "sort",
        "kelly",
        "bank",
    ),
    "/record": ("since", "until", "version", "track", "late"),
    "/models": ("changed",),
    "/static/style.css": ("v",),
}
NUMBERS = ["0", "-1", "1", "9" * 12, "9" * 19, "9" * 5000, "1e3", "%D9%A1", "1%00", "%ff"]
#: Cards that a page could carry along, as JSON.
CARDS = [
    DEEP,
    '{"runners":' + DEEP,
    "[" * 900 + "]" * 900,
    "1" * 5000,
    "null", "[]", "{}", '"a"', "1e400", "NaN", '{"runners": 1}', '{"runners": {"a": 1}}', '{"runners": "ab"}',
    '{"runners": []}', '{"runners": [[]]}', '{"runners": [{"box": true}]}', '{"runners": [{"box": 1}]}',
    '{"runners": [{"box": 1}, {"box": 1e400}]}',
    '{"runners": [{"box": 1, "name": {"a": []}}, {"box": 2, "name": []}]}',
    json.dumps(make_card(track="\ud800")), json.dumps(make_card(track="\0")),
    json.dumps(make_card(**{"\ud800": 1})), json.dumps(make_card(date="\udfff")),
    json.dumps(make_card(date={})),
    json.dumps(make_card(distance_m=float("nan"))), json.dumps(make_card(distance_m=10**400)),
    json.dumps(make_card(distance_m=float("inf"))), json.dumps(make_card(grade=[[[]]])),
    json.dumps(make_card() | {"runners": [{"box": 1, "name": "\udc00"}, {"box": 2, "name": "B"}]}),
    json.dumps(make_card() | {"runners": [{"box": 10**30, "name": "A"}, {"box": -1, "name": "B"}]}),
    json.dumps(make_card() | {"runners": [{"box": 1, "name": "A", "price": "x"}, {"box": 2, "name": "B"}]}),
    json.dumps(make_card() | {"runners": [{"box": 1, "name": "A", "rug": {}}, {"box": 2, "name": "B"}]}),
]  # fmt: skip
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("hostile")
    registry = make_registry(folder / "registry", exponents=(1.0, 1.5))
    season = make_season(folder, n_races=20)
    with (
        running_service(registry, database=str(season.url)) as service,
        running_front_end(service.url) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def failures(answers: dict[str, httpx.Response]) -> dict[str, int]:
    """The requests that were answered by a failure, or bear what does not belong into a header."""
    return {
        requested[:120]: answer.status_code
        for requested, answer in answers.items()
        if answer.status_code >= 500 or "X-Evil" in answer.headers
    }


def test_no_value_of_an_address_makes_a_page_fail(pages: httpx.Client) -> None:
    statuses = {}
    for path, names in GETS.items():
        for value in VALUES:
            whole = f"{path}?" + "&".join(f"{name}={value}" for name in names)
            singly = [f"{path}?{name}={value}" for name in names] if path == "/record" else []
            for requested in (whole, *singly):
                statuses[requested[:100]] = raw(pages, requested)[0]
    for number in NUMBERS:
        for path in ("/race/{}", "/models/{}", "/models/{}/report", "/models/{}/promote"):
            statuses[path.format(number)[:100]] = raw(pages, path.format(number))[0]
    for path in (
        "/%ed%a0%80",
        "/race/%00",
        "/%ff",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static/%00",
        "//race",
        "/models/",
    ):
        statuses[path] = raw(pages, path)[0]
    assert {requested: status for requested, status in statuses.items() if status >= 500} == {}


def test_no_card_that_is_sent_along_makes_a_page_fail(pages: httpx.Client) -> None:
    answers = {}
    for card in CARDS:
        for more in (
            {},
            {"price0": "1e400", "race": "9" * 10},
            {"scratch": "0", "price1": "NaN", "race": "1"},
        ):
            body = urlencode({"card": card.encode("utf-8", "surrogatepass"), **more})
            answers[f"{card} {more}"] = pages.post(
                "/race/change", content=body, headers={"Content-Type": FORM}
            )
    whole = json.dumps(make_card())
    for name in ("price0", "race", "scratch", "box0"):
        for value in VALUES[::2]:
            body = urlencode({"card": whole, "run": "0"}) + f"&{name}={value}"
            answers[f"{name}={value}"] = pages.post(
                "/race/change", content=body, headers={"Content-Type": FORM}
            )
    assert failures(answers) == {}


def test_no_field_of_a_promotion_makes_a_page_fail(pages: httpx.Client) -> None:
    answers = {}
    for path in ("/models/2/promote", "/models/rollback"):
        for name in ("reason", "key", "instead_of"):
            for value in VALUES[::2]:
                fields = {"reason": "why", "key": "gh_x", "instead_of": "1"}
                fields.pop(name, None)
                body = f"{urlencode(fields)}&{name}={value}"
                answers[f"{path} {name}={value}"] = pages.post(
                    path, content=body, headers={"Content-Type": FORM}
                )
    assert failures(answers) == {}


def test_no_upload_makes_a_page_fail(pages: httpx.Client) -> None:
    answers = {}
    names = [
        "a.csv",
        "\udc80".encode("utf-8", "surrogateescape"),
        b"\xed\xa0\x80.csv",
        b"\0.csv",
        b"a" * 5000,
        b"../x",
    ]
    contents = [
        b"",
        b"\0",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        CSV.encode(),
        b'"' * 50_000,
        b"," * 200_000,
        b"a" * 1_900_000,
    ]
    for name in names:
        raw = name.encode() if isinstance(name, str) else name
        for content in contents if name == "a.csv" else (CSV.encode(),):
            for value in (b"1e400", b"\xff", b"\0", b"9" * 400):
                parts = [
                    b'form-data; name="date"\r\n\r\n' + value,
                    b'form-data; name="distance_m"\r\n\r\n' + value,
                ]
                parts += [b'form-data; name="track"\r\n\r\n' + value]
                parts += [
                    b'form-data; name="guide"; filename="%b"\r\nContent-Type: text/csv\r\n\r\n%b'
                    % (raw, content)
                ]
                body = (
                    b"".join(b"--b\r\nContent-Disposition: " + part + b"\r\n" for part in parts)
                    + b"--b--\r\n"
                )
                answers[f"{raw!r} {content[:20]!r} {value!r}"] = pages.post(
                    "/race/guide", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
                )
    multipart = "multipart/form-data"
    kinds = (multipart, f"{multipart}; boundary=", f"{multipart}; boundary=\xff", "\xff", "application/json")
    for kind in (*kinds, FORM + "; charset=utf-7"):
        for content in (
            b"",
            b"--b",
            b"--b\r\n\r\n",
            b"--\r\n" * 2000,
            b"&" * 100_000,
            b"a=" * 3000,
            DEEP.encode(),
        ):
            for path in ("/race/guide", "/race/change", "/models/2/promote"):
                headers = {"Content-Type": kind.encode("latin-1")}
                answers[f"{path} {kind} {content[:20]!r}"] = pages.post(
                    path, content=content, headers=headers
                )
    many = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % n for n in range(3000)
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answers["many parts"] = pages.post("/race/guide", content=many + b"--b--\r\n", headers=headers)
    assert failures(answers) == {}


def test_no_header_makes_a_page_fail(pages: httpx.Client) -> None:
    answers = {}
    values = [
        b"\xed\xa0\x80",
        b"\xff",
        b"a" * 8000,
        b"[" * 5000,
        b"1e400",
        b"-1",
        b"=?utf-8?b?AA?=",
        b'"',
        b"*/*;q=NaN",
    ]
    for name in (
        "Cookie", "Accept", "Accept-Language", "If-None-Match", "If-Modified-Since", "Range", "If-Range",
        "Sec-Fetch-Site", "X-Live", "User-Agent", "X-Forwarded-For", "X-Forwarded-Proto",
        "Authorization", "Origin", "Referer",
    ):  # fmt: skip
        for value in values:
            for path in ("/health", "/static/style.css"):
                answers[f"{path} {name}: {value!r}"] = pages.get(path, headers={name: value, "X-Live": "1"})
    for method in ("PUT", "DELETE", "TRACE", "OPTIONS", "HEAD", "PATCH", "BREW"):
        answers[method] = pages.request(method, "/models")
    assert failures(answers) == {}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:1",
        "a@evil.example",
        "[::1",
        "a b",
        "evil.example/x",
        "\xff",
        "",
        "a" * 3000,
    ],
)
def test_no_page_and_no_redirect_repeats_the_host_that_was_claimed(pages: httpx.Client, host: str) -> None:
    requested = ["/", "/race", "/models", "/record", "/race/guide", "//race", "///evil.example/a", "/nothing"]
    for path in requested:
        status, headers, text = raw(pages, path, host)
        assert status < 500, path
        assert "evil" not in (text + str(headers)).replace("/evil.example/a", ""), path
        location = urlsplit(headers.get("Location", ""))
        assert (location.scheme, location.netloc) == ("", ""), path


def raw(pages: httpx.Client, path: str, host: str = "localhost") -> tuple[int, Message, str]:
    """Ask under any name: httpx would put the right one."""
    with socket.create_connection((pages.base_url.host, pages.base_url.port or 80), timeout=60) as connection:
        head = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "X-Forwarded-Host: evil.example",
            "Connection: close",
        ]
        sent = "\r\n".join([*head, "", ""])
        connection.sendall(sent.encode("latin-1"))
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
