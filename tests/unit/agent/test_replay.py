"""Faults as they are written on a command line, and what the replay server answers besides streams."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from claude_ls.agent.replay import Fault, read_fault, serve
from claude_ls.agent.scripted import read_script

SCRIPT = read_script('-- claude --\n~ hm\nHello\n>>> cannot_do\n= {"message": "no"}\n')


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("empty", Fault("empty")),
        ("2:status=429/3", Fault("status", 2, value="429/3")),
        ("eof@b99", Fault("eof", at=99, in_bytes=True)),
        ("error@3=api_error", Fault("error", at=3, value="api_error")),
    ],
)
def test_read_fault(text: str, fault: Fault) -> None:
    assert read_fault(text) == fault


@pytest.mark.parametrize("text", ["", "nonsense", "status", "status=abc", "status=999", "x:empty", "eof@", "redirect="])
def test_read_fault_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|needs"):
        read_fault(text)


def test_stays_on_this_machine() -> None:
    with pytest.raises(ValueError, match="loopback"):
        asyncio.run(serve(SCRIPT, host="0.0.0.0"))


def test_plain_requests() -> None:
    async def main() -> None:
        server = await serve(SCRIPT)
        async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
            message = (await client.post("/v1/messages", json={"model": "m"})).json()
            assert message["content"] == [
                {"type": "thinking", "thinking": "hm", "signature": "sig-0-0"},
                {"type": "text", "text": "Hello"},
                {"type": "tool_use", "id": "toolu_0_2", "name": "cannot_do", "input": {"message": "no"}},
            ]
            assert message["stop_reason"] == "tool_use"
            assert (await client.post("/v1/messages/count_tokens", json={"model": "m"})).json()["input_tokens"] > 0
            asked = {"system": "x" * 350, "messages": [], "model": "m"}
            counts = [
                (await client.post("/v1/messages/count_tokens", json={**asked, **more})).json()["input_tokens"]
                for more in ({}, {"max_tokens": 10**9, "stream": True}, {"tools": ["x" * 350]})
            ]
            assert 100 < counts[0] < 120 and counts[1] == counts[0] and counts[2] >= counts[0] + 100
            assert (await client.get("/v1/models/some")).json()["id"] == "some"
            assert len((await client.get("/v1/models?limit=5")).json()["data"]) == 3
            used_up = await client.post("/v1/messages", json={"model": "m"}, headers={"authorization": "Bearer x"})
            assert used_up.status_code == 400
            assert "no turn left" in used_up.json()["error"]["message"]
            assert (await client.get("/v1/nothing")).status_code == 404
            assert (await client.post("/v1/messages", content=b"{")).status_code == 400
            assert (await client.post("/v1/messages", content=b"[]")).status_code == 400
        assert [recorded.body for recorded in server.requests] == [{"model": "m"}] * 2
        assert not any("authorization" in recorded.headers for recorded in server.requests)
        await server.close()
        await server.close()

    asyncio.run(main())
