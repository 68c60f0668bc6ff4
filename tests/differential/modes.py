"""How the two gateways are started, and what they are both asked."""

import base64
import json
from dataclasses import dataclass, field

from harness.gateway import KEY

from . import calls

BEARER = f"Bearer {KEY}"


@dataclass
class Request:
    """`body` as sent; `$FILES`, `$REPOSITORY` and `$SITE` in it stand for what the world has there."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None

    def __str__(self):
        shown = {
            name: value for name, value in self.headers.items() if value not in (BEARER, "application/json")
        }
        parts = [
            self.method,
            self.path,
            *(f"{name}: {value}" for name, value in shown.items()),
            self.body or "",
        ]
        return " ".join(part for part in parts if part)


@dataclass
class Mode:
    """`options` for both gateways; `servers` of the world below their names, or `single` at the root."""

    name: str
    options: list[str]
    requests: list[Request]
    servers: tuple[str, ...] = ()
    single: str = ""
    #: More keys of these servers' config.
    more: dict[str, dict] = field(default_factory=dict)
    #: The servers are below one of these paths, which one differs: wait for their documents at either.
    prefixes: tuple[str, ...] = ("",)


def post(path: str, body=None, kind="application/json", key=BEARER, **headers) -> Request:
    """A call: `body` is sent as JSON, a string as it is. Header names are written with `_`."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        headers["Authorization"] = key
    if body is not None and kind:
        headers["Content-Type"] = kind
    text = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Request("POST", path, headers, text)


def ask(method: str, path: str, key=BEARER, **headers) -> Request:
    request = post(path, None, key=key, **headers)
    request.method = method
    return request


def get(path: str, key=BEARER, **headers) -> Request:
    return ask("GET", path, key, **headers)


def basic(user_and_key: str) -> str:
    return "Basic " + base64.b64encode(user_and_key.encode()).decode()


def preflight(path: str, origin: str, method="POST", **headers) -> Request:
    return ask("OPTIONS", path, "", Origin=origin, Access_Control_Request_Method=method, **headers)


TOKYO = {"timezone": "Asia/Tokyo"}
NOON = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
CONVERT = "/time/convert_time"
ECHO = {"message": "hi"}
ORIGIN = "https://a.example"

PROTOCOL = [
    # Bodies that are not what they should be.
    post(CONVERT, "{"),
    post(CONVERT, ""),
    post(CONVERT, "null"),
    post(CONVERT, "[]"),
    post(CONVERT, '"text"'),
    post(CONVERT, "7"),
    post(CONVERT, '{"source_timezone": "UTC",}'),
    post(CONVERT, "{'source_timezone': 'UTC'}"),
    post(CONVERT, '{"a": 1} {"b": 2}'),
    post(CONVERT),
    post("/everything/get-env", "[]"),
    post("/everything/get-tiny-image", "{"),
    post("/everything/get-tiny-image"),
    post("/everything/get-tiny-image", {}),
    post("/everything/get-tiny-image", {"a": 1}),
    post("/everything/get-resource-links"),
    # Content types.
    post(CONVERT, NOON, kind="application/json; charset=utf-8"),
    post(CONVERT, NOON, kind="application/vnd.api+json"),
    post(CONVERT, NOON, kind="text/plain"),
    post(CONVERT, NOON, kind=""),
    post(CONVERT, "source_timezone=UTC", kind="application/x-www-form-urlencoded"),
    post(CONVERT, NOON, Accept="text/html"),
    post(CONVERT + "?source_timezone=Asia/Tokyo", NOON),
    # Methods.
    *(ask(method, CONVERT) for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")),
    *(ask(method, "/time/openapi.json") for method in ("HEAD", "POST", "DELETE")),
    *(ask(method, "/openapi.json") for method in ("HEAD", "POST")),
    post("/docs", {}),
    # Paths.
    get("/"),
    get("/nobody"),
    post("/nobody", {}),
    post("/nobody/tool", {}),
    get("/time/nothing"),
    post("/time/nothing", {}),
    post("/time/nothing", "{"),
    post("/time/Get_Current_Time", TOKYO),
    post("/time/get_current_time/", TOKYO),
    post("/time/get%5Fcurrent%5Ftime", TOKYO),
    post("/time//get_current_time", TOKYO),
    post("//time/get_current_time", TOKYO),
    post("/time/get_current_time/more", TOKYO),
    post("/Time/get_current_time", TOKYO),
    get("/time"),
    get("/time/"),
    post("/time", {}),
    # Pages and documents.
    get("/docs"),
    get("/redoc"),
    get("/docs/oauth2-redirect"),
    get("/openapi.json"),
    get("/time/docs"),
    get("/time/redoc"),
    get("/docs", key=""),
    get("/openapi.json", key=""),
    get("/time/openapi.json", key=""),
    *(get(f"/{server}/openapi.json") for server in calls.SERVERS),
    # The key.
    post(CONVERT, NOON, key=""),
    post(CONVERT, NOON, key="Bearer wrong"),
    post(CONVERT, NOON, key="Bearer"),
    post(CONVERT, NOON, key=f"bearer {KEY}"),
    post(CONVERT, NOON, key=f"BEARER {KEY}"),
    post(CONVERT, NOON, key=KEY),
    post(CONVERT, NOON, key=f"Token {KEY}"),
    post(CONVERT, NOON, key=basic(f"anyone:{KEY}")),
    post(CONVERT, NOON, key=basic("anyone:wrong")),
    post(CONVERT, "{", key=""),
    post(CONVERT, "{", key="Bearer wrong"),
    post("/time/nothing", {}, key=""),
    get(CONVERT, key=""),
    ask("PUT", CONVERT, key=""),
    # Web pages of other origins.
    preflight(CONVERT, ORIGIN),
    preflight(CONVERT, ORIGIN, Access_Control_Request_Headers="authorization,content-type"),
    preflight(CONVERT, ORIGIN, method="DELETE"),
    preflight(CONVERT, ORIGIN, method="FLY"),
    preflight("/nobody", ORIGIN),
    post(CONVERT, NOON, Origin=ORIGIN),
    post(CONVERT, NOON, Origin=ORIGIN, Cookie="a=b"),
    post(CONVERT, NOON, key="", Origin=ORIGIN),
    post(CONVERT, NOON, key="Bearer wrong", Origin=ORIGIN),
    post("/time/nothing", {}, Origin=ORIGIN),
    get("/time/openapi.json", Origin=ORIGIN),
]

STRICT = [
    *(
        get(path, key=key)
        for path in ("/docs", "/openapi.json", "/time/docs", "/time/openapi.json")
        for key in ("", "Bearer wrong", BEARER, basic(f"anyone:{KEY}"))
    ),
    *(
        post(CONVERT, NOON, key=key)
        for key in ("", "Bearer wrong", BEARER, basic(f"anyone:{KEY}"), basic("anyone:wrong"), "Basic !")
    ),
    get("/nobody", key=""),
    get("/nobody"),
    get("/time/nothing", key=""),
    get("/", key=""),
    preflight(CONVERT, ORIGIN),
    get("/docs", key="", Origin=ORIGIN),
]

SINGLE = [
    post("/convert_time", NOON, key=""),
    post("/get_current_time", {}, key=""),
    get("/openapi.json", key=""),
    get("/docs", key=""),
    get("/", key=""),
    get("/convert_time", key=""),
    post("/nothing", {}, key=""),
    post("/convert_time", NOON),
]

CORS = [
    *(preflight(CONVERT, origin) for origin in (ORIGIN, "https://b.example", "https://evil.example", "null")),
    preflight(CONVERT, ORIGIN, Access_Control_Request_Headers="x-anything"),
    *(post(CONVERT, NOON, key="", Origin=origin) for origin in (ORIGIN, "https://evil.example")),
    post(CONVERT, {}, key="", Origin=ORIGIN),
    get("/openapi.json", key="", Origin=ORIGIN),
    post(CONVERT, NOON, key=""),
]

ROOT_PATH = [
    get("/openapi.json", key=""),
    get("/rp/openapi.json", key=""),
    get("/time/openapi.json", key=""),
    get("/rp/time/openapi.json", key=""),
    get("/docs", key=""),
    get("/rp/docs", key=""),
    get("/time/docs", key=""),
    get("/rp/time/docs", key=""),
    post(CONVERT, NOON, key=""),
    post(f"/rp{CONVERT}", NOON, key=""),
    post("/rp/nobody/nothing", {}, key=""),
]

PATH_PREFIX = [
    post(f"/api{CONVERT}", NOON, key=""),
    post(CONVERT, NOON, key=""),
    get("/api/time/openapi.json", key=""),
    get("/api/time/docs", key=""),
    get("/openapi.json", key=""),
    get("/docs", key=""),
    get("/api/docs", key=""),
]

ONE_DEAD = [
    post(CONVERT, NOON, key=""),
    get("/openapi.json", key=""),
    post("/dead/anything", {}, key=""),
    get("/dead/openapi.json", key=""),
    get("/dead/docs", key=""),
]

FILTERED = [
    post(CONVERT, NOON, key=""),
    post("/time/get_current_time", TOKYO, key=""),
    get("/time/openapi.json", key=""),
]

KEYED = ["--api-key", KEY]

MODES = [
    Mode(
        "config",
        KEYED,
        [*(post(*call) for call in calls.CALLS), *PROTOCOL, *(post(*call) for call in calls.UNANSWERED)],
        servers=calls.SERVERS,
    ),
    Mode(
        "text results",
        KEYED,
        [post(*call) for call in (*calls.MEMORY, *calls.FILESYSTEM)],
        servers=("memory", "filesystem"),
        more={server: {"results": "text"} for server in ("memory", "filesystem")},
    ),
    Mode("strict", [*KEYED, "--strict-auth"], STRICT, servers=("time",)),
    Mode("single", [], SINGLE, single="time"),
    Mode(
        "single strict",
        [*KEYED, "--strict-auth"],
        [*SINGLE, get("/docs"), get("/openapi.json")],
        single="time",
    ),
    Mode(
        "about",
        ["--name", "My", "--description", "Desc", "--version", "9.9"],
        [get("/openapi.json", key=""), get("/docs", key="")],
        single="time",
    ),
    Mode(
        "origins",
        ["--cors-allow-origins", ORIGIN, "--cors-allow-origins", "https://b.example"],
        CORS,
        servers=("time",),
    ),
    Mode("root path", ["--root-path", "/rp"], ROOT_PATH, servers=("time",), prefixes=("", "/rp")),
    Mode("path prefix", ["--path-prefix", "/api/"], PATH_PREFIX, servers=("time",), prefixes=("/api",)),
    Mode("one dead", [], ONE_DEAD, servers=("time", "dead")),
    Mode("filtered", [], FILTERED, servers=("time",), more={"time": {"disabledTools": ["get_current_time"]}}),
]
