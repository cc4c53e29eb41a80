"""Many processes of one host, one request to the broker."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import urlsplit

from tests.client.fake import Broker, problem

from .serving import ADS, VERSION, Served

PROCESSES, CONNECTIONS, REQUESTS = 50, 10, 2
"""1,000 requests; the first of each connection meet an agent that has nothing yet."""

PROGRAM = """
import collections, json, os, socket, sys
port, request, processes, connections, requests = json.loads(sys.argv[1])

def answer(plain):
    data = b""
    while not data.endswith(b"}"):
        part = plain.recv(65536)
        if not part:
            break
        data += part
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    status = head.split()[1].decode()
    return status + " " + json.loads(body).get("access_token", "")

def job():
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    seen = []
    for _ in range(requests):
        for plain in held:
            plain.sendall(request.encode())
        seen += [answer(plain) for plain in held]
    return seen

pipes = []
for _ in range(processes):
    out, into = os.pipe()
    if os.fork() == 0:
        os.write(into, json.dumps(job()).encode())
        os._exit(0)
    os.close(into)
    pipes.append(out)
seen = collections.Counter()
for out in pipes:
    with os.fdopen(out) as stream:
        seen.update(json.load(stream))
print(json.dumps(seen))
"""


def crowd(agent: Served) -> dict[str, int]:
    """What so many processes get: status and token → how often."""
    path = urlsplit(agent.endpoint).path
    request = (
        f"GET {path}?api-version={VERSION}&resource={ADS}&client_id=ads-jp HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{agent.port}\r\nX-IDENTITY-HEADER: {agent.plan.secret}\r\n\r\n"
    )
    given = json.dumps([agent.port, request, PROCESSES, CONNECTIONS, REQUESTS])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, given], capture_output=True, text=True, check=True
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_a_thousand_requests_of_fifty_processes_are_one_to_the_broker(
    agent: Served, fake: Broker
) -> None:
    fake.delay = 1.0
    assert crowd(agent) == {"200 token-1": 1000}
    assert len(fake.asked) == 1


def test_a_refusal_of_all_of_them_is_asked_for_once(agent: Served, fake: Broker) -> None:
    fake.delay = 1.0
    fake.script.append(problem("access_denied", 403))
    assert crowd(agent) == {"400 ": 1000}
    assert len(fake.asked) == 1
