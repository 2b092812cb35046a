"""A chat-completions server that is faster than any client: it answers every request alike, after a fixed delay.

Run as `python bench/mock_server.py LATENCY_MS`; it prints its port, and serves until it is terminated.
GET /stats tells how many calls came and how many were in flight together at most.
"""

from __future__ import annotations

import asyncio
import json
import sys

TEXT = "Her friends have come, and there is a cake. {score: 2/4}"
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "mock",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 900, "completion_tokens": 14},
}
END = 8192  # bytes of a request that a server may look at, its last: the picture stands before them


def http(body: bytes) -> bytes:
    """A whole HTTP reply."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Server:
    """Counts calls and answers each alike; one for all connections."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.calls = self.in_flight = self.most = 0
        self.alike = http(json.dumps(REPLY).encode())

    def reply(self, end: bytes) -> bytes:  # noqa: ARG002 - who answers alike need not look
        """The reply to a request, by its last bytes."""
        return self.alike

    def stats(self) -> bytes:
        """The counts, and a fresh start."""
        body = json.dumps({"calls": self.calls, "most": self.most}).encode()
        self.calls = self.most = 0
        return http(body)


class Connection(asyncio.Protocol):
    """Reads requests by their Content-Length and answers each after the delay."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.data[:end]).lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.data) < end + 4 + length:
                return
            size = end + 4 + length
            last = bytes(self.data[max(end + 4, size - END) : size])
            del self.data[:size]
            self.answer(head, last)

    def answer(self, head: bytes, last: bytes) -> None:
        """Statistics at once, a completion after the delay."""
        server = self.server
        if head.startswith(b"get /stats"):
            self.transport.write(server.stats())
            return
        server.calls += 1
        server.in_flight += 1
        server.most = max(server.most, server.in_flight)
        asyncio.get_running_loop().call_later(server.latency, self.send, server.reply(last))

    def send(self, reply: bytes) -> None:
        """Send the reply, if somebody is still there."""
        self.server.in_flight -= 1
        if not self.transport.is_closing():
            self.transport.write(reply)


async def main(state: Server) -> None:
    """Serve on any free port of 127.0.0.1."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Server(float(sys.argv[1]) / 1000)))
