"""The supervisor's view of one worker: forks it, asks it, hears what it says, and knows how it ended. I/O."""

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from bankmodel_serving.errors import FatalError, StartError, WorkerLost
from bankmodel_serving.workers.channel import Channel
from bankmodel_serving.workers.messages import Failed, Report, Started, decode
from bankmodel_serving.workers.pod import Heard

__all__ = ["Run", "Worker", "fork_workers"]

_ANSWER_S = 0.5  # the kubelet's probes and the operator's scrape wait for a second
_LARGEST_LINE = 64 << 20
Run = Callable[[int, Channel], None]
"""What a worker does with its number: serve until it is told to stop, or raise StartError."""


class Worker:
    """One child process. `follow` runs for as long as it does."""

    def __init__(self, number: int, pid: int, line: socket.socket) -> None:
        self.heard = Heard(number)
        self.pid = pid
        self.line = line
        self.started = asyncio.Event()
        self.exit_code: int | None = None
        self._failed: Failed | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answer: asyncio.Future[None] | None = None

    async def follow(self) -> None:
        """Take in what the worker says until it ends."""
        reader, self._writer = await asyncio.open_connection(sock=self.line, limit=_LARGEST_LINE)
        try:
            async for said in reader:
                self._hear(said)
        finally:
            self._end()

    async def ask(self) -> Heard:
        """What there is to know now; whoever asks meanwhile shares the answer, so that questions never pile up."""
        if self._writer is None or self.has_ended:
            return replace(self.heard, is_silent=True)
        if self._answer is None or self._answer.done():
            self._answer = asyncio.get_running_loop().create_future()
            self._writer.write(b"\n")
        answered, _ = await asyncio.wait((self._answer,), timeout=_ANSWER_S)
        return replace(self.heard, is_silent=not answered or self.has_ended)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the worker has ended."""
        if not self.has_ended:
            os.kill(self.pid, number)

    @property
    def has_ended(self) -> bool:
        return self.exit_code is not None

    @property
    def loss(self) -> FatalError:
        """Why it ended, though nobody had told it to."""
        if self._failed is not None:
            error = StartError(self._failed.message)
            error.reason = self._failed.reason
            return error
        code = self.exit_code or 0
        how = f"ended with exit code {code}; the log says why" if code >= 0 else _killed(-code)
        return WorkerLost(f"worker {self.heard.number} {how}")

    def _hear(self, said: bytes) -> None:
        match decode(said):
            case Report(state, pulse, snapshot):
                self.heard = replace(self.heard, state=state, pulse=pulse, snapshot=snapshot)
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(None)
            case Started(model):
                self.heard = replace(self.heard, has_started=True, model=model)
                self.started.set()
            case Failed() as failed:
                self._failed = failed

    def _end(self) -> None:
        """The line has ended, and with it the worker; only a process on its way out has closed it."""
        os.kill(self.pid, signal.SIGKILL)
        self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self._writer is not None:
            self._writer.close()
        if self._answer is not None:
            self._answer.cancel()


def fork_workers(count: int, run: Run) -> list[Worker]:
    """Start the workers. To be called before there is a thread or an event loop; in the workers it never returns."""
    workers: list[Worker] = []
    for number in range(1, count + 1):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            _leave_to_supervisor([ours, *(worker.line for worker in workers)])
            _become(number, run, Channel(theirs))
        theirs.close()
        workers.append(Worker(number, pid, ours))
    return workers


def _leave_to_supervisor(lines: Sequence[socket.socket]) -> None:
    """A worker that held the supervisor's ends too would never see them close."""
    for line in lines:
        line.close()


def _become(number: int, run: Run, channel: Channel) -> None:
    code = 1
    try:
        run(number, channel)
        code = 0
    except StartError as error:
        channel.say(Failed(error.reason, str(error)))
    except Exception:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _killed(by: int) -> str:
    name = next((each.name for each in signal.Signals if each == by), f"signal {by}")
    return f"was killed by {name}" + (
        "; if nobody did so by hand, the memory did not suffice" if by == signal.SIGKILL else ""
    )
