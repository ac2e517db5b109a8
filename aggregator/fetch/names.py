"""Host names and the addresses they stand for: looked up in threads, once for all who ask.

What was found is kept for a minute. It is only what the name server said: whoever connects
checks each address, each time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aggregator.errors import FetchError
from aggregator.fetch.limits import lasted
from aggregator.real_time import ticks

KEPT_FOR = 60.0
"""Seconds. The system's resolver tells no lifetime."""

FAILURE_KEPT_FOR = 10.0
LONGEST_WAIT = 10.0
"""Seconds for one look-up, with its turn for a thread: a dead name server takes longer."""

MAX_NAMES = 4_096
MAX_ADDRESSES = 32

Resolve = Callable[[str], list[str]]
"""From a host to its addresses, best first; raises OSError or ValueError. May take long."""


def system_addresses(host: str) -> list[str]:
    """What the system's resolver says, in its order (RFC 6724); a zone is kept: `fe80::1%2`."""
    found = []
    for _, _, _, _, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        address = str(place[0])
        zone = place[3] if len(place) == 4 else 0
        found.append(f"{address}%{zone}" if zone and "%" not in address else address)
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    until: float
    failure: str = ""


class Names:
    """`await names.addresses(host)`."""

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        resolve: Resolve = system_addresses,
        now: Callable[[], float] = time.monotonic,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._threads = threads
        self._resolve = resolve
        self._now = now
        self._longest_wait = longest_wait
        self._known: OrderedDict[str, _Answer] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Answer]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """At least one. Raises FetchError (`dns`)."""
        if _is_address(host):
            return (host,)
        answer = self._known.get(host)
        if answer is None or answer.until <= self._now():
            # whoever asked first may be cancelled while others wait for the same answer
            answer = await asyncio.shield(self._asked(host))
        if not answer.addresses:
            raise FetchError("dns", answer.failure, host, "check the URL and the network")
        return answer.addresses

    def _asked(self, host: str) -> asyncio.Task[_Answer]:
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = asyncio.create_task(self._look_up(host))
            asking.add_done_callback(lambda task: self._keep(host, task))
        return asking

    async def _look_up(self, host: str) -> _Answer:
        began = ticks()
        looking = self._threads.submit(self._resolve, host)
        answer = asyncio.wrap_future(looking)
        found: list[str] = []
        failure = "the host name is not known"
        try:
            while not (await asyncio.wait((answer,), timeout=self._longest_wait))[0]:
                if lasted(began, self._longest_wait):
                    raise TimeoutError
            found = answer.result()
        except TimeoutError:
            failure = f"the host name was not found within {self._longest_wait:g} s"
        except (OSError, ValueError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                failure = "the name server does not answer"
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not looking.cancelled() or (task is not None and task.cancelling()):
                raise
            failure = "the look-up was called off"  # the threads were shut down
        finally:
            answer.cancel()
        kept_for = KEPT_FOR if found else FAILURE_KEPT_FOR
        return _Answer(tuple(found[:MAX_ADDRESSES]), self._now() + kept_for, failure)

    def _keep(self, host: str, task: asyncio.Task[_Answer]) -> None:
        del self._asking[host]
        if task.cancelled() or task.exception() is not None:
            return
        self._known[host] = task.result()
        self._known.move_to_end(host)
        while len(self._known) > MAX_NAMES:
            self._known.popitem(last=False)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
