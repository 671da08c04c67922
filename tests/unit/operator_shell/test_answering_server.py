"""The server of these tests: what a caller leaves unread when a test is over troubles no other test."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from support.answering import answering


async def test_its_end_waits_for_a_connection_whose_answer_is_still_being_sent() -> None:
    sockets: list[Any] = []

    async def more_than_the_kernel_takes(request: web.Request) -> web.StreamResponse:
        answer, transport = web.StreamResponse(), request.transport
        assert isinstance(transport, asyncio.WriteTransport)
        sockets.append(transport.get_extra_info("socket"))
        await answer.prepare(request)
        while not transport.get_write_buffer_size():
            transport.write(bytes(4096))
        return answer

    async with answering(web.get("/", more_than_the_kernel_takes)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
        await reader.readline()
        asyncio.get_running_loop().call_later(0.05, writer.transport.abort)

    assert [-1] == [each.fileno() for each in sockets]
