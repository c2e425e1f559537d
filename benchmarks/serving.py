"""The model as a service: answers a second and how long they take, under load and beyond it.

    python benchmarks/serving.py --work ../serving

Models are trained on products of the generated store and served by ``productnet serve --api``, as
people run it; the clients are in this process, asynchronous, each with a connection of its own,
and ask for one product after the other. All of it shares this machine's cores.

- ``known``: 32 clients, texts alone, products that were asked about before.
- ``new``: 32 clients, texts alone, products that nobody asked about; encoders do their work.
- ``pictures``: lists of products with pictures, all new, beside the encoders doing the same work
  in this process with nothing else: one call each on every picture and every text.
- ``overload``: 512 clients. Those refused come back when Retry-After says; ``rude`` ones at once.
- ``swaps``: 32 clients, and a new model every few seconds.

The last line printed is one JSON object.
"""

import argparse
import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from productnet.catalog.store.stream import generate_products
from productnet.encoders.registry import image_encoder, text_encoder
from productnet.encoders.texts import product_text
from productnet.master.model import MasterModel
from productnet.settings import PAPER_FIELDS

_TAUGHT = 300
_PATIENCE = 120.0

Body = bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of models and logs")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--crowd", type=int, default=512, help="clients of the overload")
    parser.add_argument("--known", type=int, default=1_000, help="products asked about again")
    parser.add_argument("--pictures", type=int, default=1_536, help="products with pictures")
    parser.add_argument("--list", type=int, default=32, help="products with pictures a request")
    parser.add_argument("--only", action="append", help="measure this alone; may be repeated")
    arguments = parser.parse_args()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    asked = range(_TAUGHT, _TAUGHT + max(arguments.known, arguments.pictures))
    table = products(asked.stop)
    texts = [body([row]) for row in rows(table, asked)]
    report: dict[str, Any] = {"benchmark": "serving", "clients": arguments.clients}

    def wanted(name: str) -> bool:
        return not arguments.only or name in arguments.only

    folder = trained(work / "texts", table, with_image=False)
    with Server(folder, work / "texts.log") as server:
        known = texts[: arguments.known]
        asyncio.run(ask_all(server, known))
        if wanted("known"):
            report["known"] = asyncio.run(
                load(server, arguments.clients, cycle(known), seconds=arguments.seconds)
            )
        if wanted("new"):
            report["new"] = asyncio.run(
                load(server, arguments.clients, new_texts(known), seconds=arguments.seconds)
            )
        for name, polite in (("overload", True), ("rude", False)):
            if wanted(name):
                report[name] = {
                    "clients": arguments.crowd,
                    **asyncio.run(
                        load(
                            server,
                            arguments.crowd,
                            cycle(known),
                            seconds=arguments.seconds,
                            polite=polite,
                        )
                    ),
                }
        if wanted("swaps"):
            report["swaps"] = asyncio.run(
                swap_under_load(
                    server, folder, arguments.clients, cycle(known), seconds=arguments.seconds
                )
            )
        report["server"] = server.usage()
    if wanted("pictures"):
        report["pictures"] = pictures(work, table, arguments.pictures, size=arguments.list)
    print(json.dumps(report))


def pictures(work: Path, table: pa.Table, number: int, *, size: int) -> dict[str, Any]:
    """Products with pictures a second: the encoders alone, and served."""
    folder = trained(work / "pictures", table, with_image=True)
    some = table.slice(_TAUGHT, number)
    images = some.column("image").to_pylist()
    read = product_text(some, PAPER_FIELDS)
    of_image, of_text = image_encoder("efficientnet-lite0"), text_encoder("minilm")

    def encode(begin: int, end: int) -> None:
        of_image.encode([one for one in images[begin:end] if one])
        of_text.encode([one for one in read[begin:end] if one])

    encode(0, 32)
    alone, alone_work = [], []
    served, served_work = [], []
    with Server(folder, work / "pictures.log") as server:
        asyncio.run(ask_all(server, [body(rows(table, range(8), with_image=True))]))
        # In turns, on halves, so that what else the machine does meets both alike.
        half = number // 2
        for begin in (0, half):
            part = range(_TAUGHT + begin, _TAUGHT + begin + half)
            began, worked = time.perf_counter(), time.process_time()
            encode(begin, begin + half)
            alone.append(half / (time.perf_counter() - began))
            alone_work.append((time.process_time() - worked) / half)
            lists = [
                body(rows(table, part[start : start + size], with_image=True))
                for start in range(0, half, size)
            ]
            began, worked = time.perf_counter(), server.usage()["cpu_seconds"]
            asyncio.run(ask_all(server, lists, clients=3))
            served.append(half / (time.perf_counter() - began))
            served_work.append((server.usage()["cpu_seconds"] - worked) / half)
    return {
        "products": 2 * half,
        "list": size,
        "encoders_alone_per_second": round(float(np.mean(alone)), 1),
        "served_per_second": round(float(np.mean(served)), 1),
        "share": round(float(np.mean(served) / np.mean(alone)), 3),
        # What other work on the machine does not change.
        "encoders_alone_cpu_ms": round(1_000 * float(np.mean(alone_work)), 2),
        "served_cpu_ms": round(1_000 * float(np.mean(served_work)), 2),
    }


@dataclass
class Tally:
    """What came of requests."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    def report(self, seconds: float) -> dict[str, Any]:
        """Answers a second, and how long those took that were answered."""
        spread = {}
        if self.seconds:
            shares = np.percentile(self.seconds, [50, 95, 99])
            p50, p95, p99 = (1_000 * shares).round(1).tolist()
            spread = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
        refused = self.statuses[429]
        total = sum(self.statuses.values())
        return {
            "answered_per_second": round(len(self.seconds) / seconds, 1),
            **spread,
            "max_ms": round(1_000 * max(self.seconds, default=0), 1),
            "requests": total,
            "refused_share": round(refused / total, 3) if total else 0.0,
            "failed": total - len(self.seconds) - refused + self.broken,
        }


class Connection:
    """One keep-alive connection, with as little of HTTP as is needed: it shares our cores."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, content: Body) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer; raises OSError or EOFError when there is none."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            sock = self._streams[1].get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = self._streams
        writer.write(
            b"POST /v1/categorize HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
        )
        writer.write(content)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, colon, value in (line.partition(":") for line in lines)
            if colon
        }
        await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return int(status.split()[1]), headers

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def load(
    server: "Server",
    clients: int,
    bodies: Iterator[Body],
    *,
    seconds: float,
    polite: bool = True,
) -> dict[str, Any]:
    """Clients that ask as fast as they are answered, for so many seconds."""
    tally = Tally()
    until = time.perf_counter() + seconds

    async def client(number: int) -> None:
        # One after another in the first two seconds: five hundred connections take a while.
        await asyncio.sleep(2 * number / clients)
        connection = Connection(server.port)
        while time.perf_counter() < until:
            content = next(bodies)
            began = time.perf_counter()
            try:
                status, headers = await connection.ask(content)
            except (OSError, EOFError):
                tally.broken += 1
                connection.close()
                continue
            tally.statuses[status] += 1
            if status == 200:
                tally.seconds.append(time.perf_counter() - began)
            elif status == 429 and polite:
                left = until - time.perf_counter()
                await asyncio.sleep(max(0.0, min(left, float(headers["retry-after"]))))
        connection.close()

    before = server.usage()["cpu_seconds"]
    await asyncio.gather(*(client(number) for number in range(clients)))
    used = server.usage()["cpu_seconds"] - before
    return tally.report(seconds) | {"server_cores": round(used / seconds, 2)}


async def ask_all(server: "Server", bodies: Sequence[Body], *, clients: int = 4) -> None:
    """Every body once; raises RuntimeError if one is not answered."""
    left = iter(bodies)

    async def client() -> None:
        connection = Connection(server.port)
        for content in left:
            status, headers = await connection.ask(content)
            while status == 429:
                await asyncio.sleep(float(headers["retry-after"]))
                status, headers = await connection.ask(content)
            if status != 200:
                raise RuntimeError(f"status {status}")
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))


async def swap_under_load(
    server: "Server", folder: Path, clients: int, bodies: Iterator[Body], *, seconds: float
) -> dict[str, Any]:
    """Load, while another model is put in the place of the one that is served, again and again."""

    async def keep_swapping() -> None:
        for number in count():
            await asyncio.sleep(3)
            draft = folder.with_name(f"draft-{number}")
            old = folder.with_name(f"old-{number}")
            await asyncio.to_thread(shutil.copytree, folder, draft)
            folder.rename(old)
            draft.rename(folder)
            await asyncio.to_thread(shutil.rmtree, old)

    before = server.counted("productnet_swaps")
    swapping = asyncio.create_task(keep_swapping())
    report = await load(server, clients, bodies, seconds=seconds)
    swapping.cancel()
    await asyncio.gather(swapping, return_exceptions=True)
    return report | {"swaps": int(server.counted("productnet_swaps") - before)}


class Server:
    """``productnet serve --api`` in a process of its own."""

    def __init__(self, model: Path, log: Path) -> None:
        self._model = model
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def __enter__(self) -> "Server":
        run = "from productnet.cli.main import run; run()"
        command = [sys.executable, "-c", run, "serve", "--api", "--json-logs"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--model", str(self._model), "--port", str(self.port)],
                stdout=log,
                stderr=log,
            )
        began = time.perf_counter()
        while time.perf_counter() - began < _PATIENCE:
            if self._process.poll() is not None:
                raise RuntimeError(f"the service ended by itself; see {self._log}")
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise RuntimeError(f"the service did not answer; see {self._log}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def counted(self, metric: str) -> float:
        """A metric without labels."""
        page = httpx.get(f"http://127.0.0.1:{self.port}/metrics").text
        return next(
            float(line.split()[1]) for line in page.splitlines() if line.startswith(f"{metric} ")
        )

    def usage(self) -> dict[str, float]:
        """Processor seconds and peak resident megabytes."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return {
            "cpu_seconds": (int(fields[11]) + int(fields[12])) / ticks,
            "peak_mb": round(int(peak.split()[1]) / 1_000),
        }


def trained(folder: Path, table: pa.Table, *, with_image: bool) -> Path:
    """A ``fast`` model of the generated store's categories, trained once."""
    if not folder.exists():
        fields = ("text", "image") if with_image else ("text",)
        model = MasterModel("fast", fields=fields, epochs=2)
        model.fit(table.slice(0, _TAUGHT), "kind").save(folder)
    return folder


def products(number: int) -> pa.Table:
    """Products of the generated store that belong to a leaf."""
    kept: list[dict[str, object]] = []
    for one in generate_products(2 * number, seed=0):
        if one.category is not None and len(kept) < number:
            texts = {name: one.texts.get(name) for name in PAPER_FIELDS}
            kept.append({"id": one.id, **texts, "image": one.image, "kind": one.category})
    return pa.Table.from_pylist(kept)


def rows(table: pa.Table, places: range, *, with_image: bool = False) -> list[dict[str, str]]:
    """Products of these rows as they are sent."""
    sent = []
    for one in table.take(list(places)).to_pylist():
        texts = {name: one[name] for name in ("id", *PAPER_FIELDS) if one[name]}
        if with_image and one["image"]:
            texts["image"] = base64.b64encode(one["image"]).decode()
        sent.append(texts)
    return sent


def body(sent: Sequence[Mapping[str, str]]) -> Body:
    """Products as the body of a request."""
    return json.dumps({"products": list(sent)}).encode()


def new_texts(known: Sequence[Body]) -> Iterator[Body]:
    """The same products, each a little different from all before."""
    for number in count():
        (one,) = json.loads(known[number % len(known)])["products"]
        yield body([one | {"title": f"{number} {one.get('title', '')}"}])


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
