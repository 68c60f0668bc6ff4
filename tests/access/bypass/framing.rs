//! Whole connections, byte by byte: where one request ends and the next begins, and other protocols.
//!
//! Placeholders are those of the corpus; `{right}` is the header line of who may do everything, `{long}` a great
//! many letters. A body has 12 bytes, hexadecimal c.

pub(super) const FRAMING: &[(&str, &str)] = &[
    (
        "a call behind an open request",
        "GET /healthz HTTP/1.1\r\nHost: g\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call behind a preflight",
        "OPTIONS ~/fake/call HTTP/1.1\r\nHost: g\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call behind an allowed one",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a document behind an allowed call",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12\r\n\r\n{body}\
         GET ~/fake/openapi.json HTTP/1.1\r\nHost: g\r\n{auth}\r\n",
    ),
    (
        "options behind an allowed call",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12\r\n\r\n{body}\
         OPTIONS ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}\r\n",
    ),
    (
        "a call between allowed ones",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}\
         POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call as the body of options",
        "OPTIONS ~/fake/read HTTP/1.1\r\nHost: g\r\nContent-Length: 12\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call behind the body of a reading request",
        "GET /healthz HTTP/1.1\r\nHost: g\r\nContent-Length: 12\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call in a body without a length",
        "POST /healthz HTTP/1.1\r\nHost: g\r\n{auth}\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\nContent-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call behind a refused one whose body is left unread",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\nContent-Length: 12\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "CL.TE",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "TE.CL",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n\
         5c\r\nPOST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "TE.TE, one of them unknown",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a coding with a tab",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a coding with a vertical tab",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 5\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a coding with a space before the colon",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a coding in a folded line",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 5\r\nX: x\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "two lengths",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12\r\nContent-Length: 0\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "two lengths in one",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 12, 0\r\n\r\n{body}\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a length of nothing",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Content-Length: 0\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a length below nothing",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: -12\r\n\r\n{body}",
    ),
    (
        "a length with a sign",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: +12\r\n\r\n{body}",
    ),
    (
        "a length in hexadecimal",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 0xc\r\n\r\n{body}",
    ),
    (
        "a length that overflows",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 18446744073709551628\r\n\r\n{body}",
    ),
    (
        "chunks",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Transfer-Encoding: chunked\r\n\r\nc\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "chunks with extensions",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Transfer-Encoding: chunked\r\n\r\n\
         c;x=\"y\r\n{body}\r\n0;x\r\n\r\n",
    ),
    (
        "an extension that hides a request",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Transfer-Encoding: chunked\r\n\r\n\
         c;\n{body}\r\n0\r\n\r\nPOST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a chunk that is no number",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "a chunk whose size overflows",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Transfer-Encoding: chunked\r\n\r\n\
         1000000000000000c\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "a chunk below nothing",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Transfer-Encoding: chunked\r\n\r\n-c\r\n{body}\r\n0\r\n\r\n",
    ),
    (
        "a chunk longer than it says",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Transfer-Encoding: chunked\r\n\r\n\
         1\r\n{body}\r\n0\r\n\r\nPOST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "chunks ended by line feeds",
        "POST ~/fake/read HTTP/1.1\r\nHost: g\r\n{right}Transfer-Encoding: chunked\r\n\r\nc\n{body}\n0\n\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a credential in the trailer",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Trailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n\
         c\r\n{body}\r\n0\r\nAuthorization: Bearer {key}\r\n\r\n",
    ),
    ("lines ended by line feeds", "POST ~/fake/call HTTP/1.1\nHost: g\nContent-Length: 12\n\n{body}"),
    ("lines ended by carriage returns", "POST ~/fake/call HTTP/1.1\rHost: g\rContent-Length: 12\r\r{body}"),
    ("no host", "POST ~/fake/call HTTP/1.1\r\n{auth}Content-Length: 12\r\n\r\n{body}"),
    (
        "two hosts",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\nHost: h\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a header without a name",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n: x\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a folded first header",
        "POST ~/fake/call HTTP/1.1\r\n Host: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    ("a second request line", "GET /healthz HTTP/1.1\r\nPOST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}\r\n"),
    ("two targets", "GET /healthz ~/fake/openapi.json HTTP/1.1\r\nHost: g\r\n{auth}\r\n"),
    (
        "two versions",
        "POST ~/fake/call HTTP/1.1 HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "tabs in the request line",
        "POST\t~/fake/call\tHTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    ("HTTP/1.0", "POST ~/fake/call HTTP/1.0\r\n{auth}Content-Length: 12\r\n\r\n{body}"),
    (
        "HTTP/1.0 kept alive",
        "POST ~/fake/call HTTP/1.0\r\nConnection: keep-alive\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "HTTP/1.0 in chunks",
        "POST ~/fake/call HTTP/1.0\r\n{auth}Transfer-Encoding: chunked\r\n\r\nc\r\n{body}\r\n0\r\n\r\n",
    ),
    ("HTTP/0.9", "GET ~/fake/openapi.json\r\n"),
    ("HTTP/0.9, writing", "POST ~/fake/call\r\n{body}"),
    ("HTTP/1.2", "POST ~/fake/call HTTP/1.2\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}"),
    (
        "HTTP/2.0 in the line",
        "POST ~/fake/call HTTP/2.0\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    ("HTTP in lower case", "POST ~/fake/call http/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}"),
    (
        "HTTP/2 by prior knowledge",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x0f\x01\x05\0\0\0\x01\x42\x02\x47\x45\x04\x0a~/fake/call",
    ),
    (
        "a call behind an upgrade to HTTP/2",
        "GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n\
         PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ),
    (
        "a call behind an upgrade to a WebSocket",
        "GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a call in a tunnel",
        "CONNECT gateway:80 HTTP/1.1\r\nHost: gateway:80\r\n{auth}\r\n\
         POST ~/fake/call HTTP/1.1\r\nHost: g\r\nContent-Length: 12\r\n\r\n{body}",
    ),
    (
        "the proxy's own protocol",
        "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nPOST ~/fake/call HTTP/1.1\r\nHost: g\r\n\r\n",
    ),
    (
        "a very long path",
        "POST ~/fake/call/{long} HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a very long query",
        "POST ~/fake/call?{long} HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a very long method",
        "{long} ~/fake/call HTTP/1.1\r\nHost: g\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
    (
        "a very long key",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {long}\r\nContent-Length: 12\r\n\r\n{body}",
    ),
    (
        "a very long name",
        "POST ~/fake/call HTTP/1.1\r\nHost: g\r\n{long}: x\r\n{auth}Content-Length: 12\r\n\r\n{body}",
    ),
];
