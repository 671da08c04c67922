"""Many trials side by side on one API server: each lane is an operator with a namespace, pods and an observer of its own."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from cluster.api_only import ApiOnlyCluster
from support.crd import install_crd
from support.kubectl import Kubectl
from support.trials import Trials, trials
from system.place import CHECKOUT
from verify.journal import Journal
from verify.place import own_namespace

__all__ = ["Done", "Lanes", "lanes"]

_BEGUN = CHECKOUT / "build" / "verify-rollout" / "begun"
_DONE = "done"
J = TypeVar("J", bound=int | str)


@dataclass(frozen=True)
class Done:
    """What came of a job. `result` None: it never came to what it was for. `failure`: how it did not get to its end. `broken`: what was
    seen in its time that must never be. `answered_on_s`: see `Trials.longest_after_rejection`."""

    what: str
    job: int | str
    result: int | None
    broken: list[str]
    failure: str = ""
    answered_on_s: float = 0.0
    revivals: int = 0

    @property
    def is_well(self) -> bool:
        return not (self.failure or self.broken)


@dataclass
class Lanes:
    """Where the jobs of an item are done. What went well is in the journal until the item is over."""

    api: ApiOnlyCluster
    kubectl: Kubectl
    settings: dict[str, str]
    journal: Journal

    def each(
        self, what: str, jobs: Iterable[J], do: Callable[[Trials, J], int | None], *, beside: int = 1
    ) -> list[Done]:
        """Do every job, so many at the same time, and tell of each. A lane in which one failed is made anew."""
        kept = {done.job: done for done in self._kept(what)}
        waiting: queue.SimpleQueue[J] = queue.SimpleQueue()
        for job in jobs:
            if job not in kept:
                waiting.put(job)
        work = _Work(self, what, waiting, do, waiting.qsize(), found=list(kept.values()))
        threads = [threading.Thread(target=work.run, daemon=True) for _ in range(min(beside, work.total))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            work.ends()
        if work.errors:
            raise work.errors[0]
        return sorted(work.found, key=lambda done: str(done.job).zfill(3))

    def keep(self, done: Done) -> None:
        """For a run after one that was broken off."""
        self.journal.add(_DONE, **asdict(done))

    def _kept(self, what: str) -> list[Done]:
        kept = [{name: each[name] for name in each if name != "kind"} for each in self.journal.of(_DONE)]
        return [Done(**each) for each in kept if each["what"] == what]


@dataclass
class _Work(Generic[J]):
    """What waits, what was found, and what runs in each lane."""

    at: Lanes
    what: str
    waiting: "queue.SimpleQueue[J]"
    do: Callable[[Trials, J], int | None]
    total: int
    found: list[Done]
    errors: list[BaseException] = field(default_factory=list)
    places: list[Trials] = field(default_factory=list)
    is_over: bool = False

    def run(self) -> None:
        try:
            while not self.is_over and not self.waiting.empty():
                with _place(self.at) as it:
                    self.places.append(it)
                    self._as_long_as_well(it)
        except BaseException as error:  # for the thread that waits
            self.errors.append(error)
            self.is_over = True

    def ends(self) -> None:
        """No further job; and what runs, because somebody ended all this early, leaves no operator behind."""
        self.is_over = True
        for it in self.places:
            it.it.operator.kill()

    def _as_long_as_well(self, it: Trials) -> None:
        is_well = True
        while is_well and not self.is_over and (job := self._next()) is not None:
            done = self._one(it, job)
            self.found.append(done)
            is_well = not done.failure

    def _next(self) -> J | None:
        try:
            return self.waiting.get_nowait()
        except queue.Empty:
            return None

    def _one(self, it: Trials, job: J) -> Done:
        began, revived = time.monotonic(), it.it.operator.revivals
        result, failure = None, ""
        try:
            result = self.do(it, job)
        except Exception as error:  # whatever it was: the job is told as failed, and the others are done
            failure = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            print(f"--- {self.what} {job}: the operator's log\n{it.it.operator.log()[-4000:]}", flush=True)
            it.it.operator.kill()  # so that all comes to rest and can be judged
        broken, revivals = it.broken_rules(), it.it.operator.revivals - revived
        done = Done(self.what, job, result, broken, failure, it.longest_after_rejection(), revivals)
        if done.is_well and not self.is_over:
            self.at.keep(done)
        said = "; ".join([*([failure] if failure else []), *broken]) or "well"
        took = f"{time.monotonic() - began:.0f} s, {revivals} revivals; {self.waiting.qsize()} of {self.total} wait"
        print(f"  {self.what} {job}: {said}; {took}", flush=True)
        return done


@contextmanager
def _place(at: Lanes) -> Iterator[Trials]:
    with own_namespace(at.kubectl) as (namespace, folder):
        with trials(at.api, at.kubectl, namespace, folder, **at.settings) as it:
            yield it


@contextmanager
def lanes(item: str, **settings: str) -> Iterator[Lanes]:
    """An API server with the CRD, for the length of an item; the operators have these settings."""
    with ApiOnlyCluster(kwok=True) as api:
        at = Lanes(api, Kubectl(Path(api.kubectl), api.kubeconfig), settings, Journal(_BEGUN / f"{item}.jsonl"))
        install_crd(at.kubectl)
        yield at
        at.journal.end()
