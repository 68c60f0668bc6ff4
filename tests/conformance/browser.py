"""The browser of a person who logs in: a cookie jar, and redirects followed by hand to the last page."""

from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urljoin, urlsplit

MOST_REDIRECTS = 10
PATIENCE = 10


class Browser:
    """`addresses` tells, by the host of a URL, who answers in its place: (host, port)."""

    def __init__(self, addresses: dict[str, tuple[str, int]]):
        self.addresses = addresses
        #: By the URL's host and port; a cookie stays where it came from.
        self.jar: dict[str, SimpleCookie] = {}

    def open(self, url: str) -> tuple[int, str]:
        """Status and text of the page where `url` leads in the end."""
        for _ in range(MOST_REDIRECTS):
            status, location, text = self._get(url)
            if location is None:
                return status, text
            url = urljoin(url, location)
        raise ConnectionError(f"more than {MOST_REDIRECTS} redirects")

    def _get(self, url: str) -> tuple[int, str | None, str]:
        parts = urlsplit(url)
        if parts.scheme != "http" and parts.hostname not in self.addresses:
            raise ConnectionError(f"{parts.scheme}://{parts.netloc} is nowhere here")
        connection = HTTPConnection(
            *self.addresses.get(parts.hostname, (parts.hostname, parts.port)), timeout=PATIENCE
        )
        try:
            path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
            connection.request("GET", path, headers={"Host": parts.netloc, **self._cookies(parts)})
            answer = connection.getresponse()
            jar = self.jar.setdefault(parts.netloc, SimpleCookie())
            for cookie in answer.headers.get_all("Set-Cookie", []):
                jar.load(cookie)
            location = answer.headers["Location"] if 300 <= answer.status < 400 else None
            return answer.status, location, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def _cookies(self, parts) -> dict[str, str]:
        jar = self.jar.get(parts.netloc, {})
        sent = [
            f"{cookie.key}={cookie.coded_value}"
            for cookie in jar.values()
            if parts.path.startswith(cookie["path"]) and cookie["max-age"] != "0"
        ]
        return {"Cookie": "; ".join(sent)} if sent else {}
