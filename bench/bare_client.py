"""The yardstick: the same calls as a run's, by aiohttp alone, nothing checked and nothing kept.

python bench/bare_client.py URL RECORDS IMAGES CONCURRENCY
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path

import aiohttp


async def main(url: str, records: Path, images: Path, concurrency: int) -> None:
    """Two calls a record: one with its picture, one without."""
    slots = asyncio.Semaphore(concurrency)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(content: object) -> None:
            body = json.dumps({"model": "mock", "messages": [{"role": "user", "content": content}]}).encode()
            async with slots, session.post(f"{url}/chat/completions", data=body) as reply:
                json.loads(await reply.read())

        async def one(record: dict[str, str]) -> None:
            async with live:
                picture = base64.b64encode((images / record["image"]).read_bytes()).decode()
                image = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}}
                await call([image, {"type": "text", "text": record["question"]}])
                await call(record["question"])

        live = asyncio.Semaphore(concurrency * 5 // 4)
        lines = records.read_text(encoding="utf-8").splitlines()
        await asyncio.gather(*(one(json.loads(line)) for line in lines))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
