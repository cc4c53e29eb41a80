"""Microsoft Advertising's SOAP face: GetUser, so that the BingAds SDK has something to call.

https://learn.microsoft.com/advertising/customer-management-service/getuser
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

USER = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
<s:Header><h:TrackingId xmlns:h="https://bingads.microsoft.com/Customer/v13">t</h:TrackingId>
</s:Header><s:Body><GetUserResponse xmlns="https://bingads.microsoft.com/Customer/v13">
<User xmlns:a="https://bingads.microsoft.com/Customer/v13/Entities"><a:Id>7</a:Id>
<a:UserName>{name}</a:UserName></User></GetUserResponse></s:Body></s:Envelope>"""

FAULT = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>
<faultcode>s:Server</faultcode><faultstring>Invalid client data. Check the SOAP fault details
for more information.</faultstring><detail><AdApiFaultDetail xmlns="https://adapi.microsoft.com">
<TrackingId>t</TrackingId><Errors><AdApiError><Code>{code}</Code><Detail/>
<ErrorCode>{symbol}</ErrorCode><Message>It is refused.</Message></AdApiError></Errors>
</AdApiFaultDetail></detail></s:Fault></s:Body></s:Envelope>"""


class Call(NamedTuple):
    """The headers that GetUser takes."""

    token: str
    developer_token: str


class Outcome(NamedTuple):
    """The user's name, or a fault's code and symbol."""

    name: str = ""
    code: int = 0
    symbol: str = ""


Service = Callable[[Call], Outcome]


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """The URL of the service."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            names = ("AuthenticationToken", "DeveloperToken")
            outcome = service(Call(*(_header(body, name) for name in names)))
            text = FAULT if outcome.code else USER
            data = text.format(**outcome._asdict()).encode()
            self.send_response_only(500 if outcome.code else 200)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def _header(body: str, name: str) -> str:
    found = re.search(rf"<[\w:]*{name}(?: [^>]*)?>([^<]*)<", body)
    return found[1] if found else ""
