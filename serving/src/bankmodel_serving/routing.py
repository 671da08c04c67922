"""The routing table as values, and what follows from it for a pod: its role, whom it sends to, and whom it answers.

Pure. Read by `routing_reading`, watched by `routing_file`. A request makes one hop at most, whatever tables two pods hold:
only the scoring port follows a task, and the peer port, which answers whoever is granted, has none (ADR 18).
"""

from dataclasses import dataclass, field
from enum import Enum

from bankmodel_serving.errors import RoutingError

__all__ = [
    "NO_TABLE",
    "Address",
    "AnswerSelf",
    "Canary",
    "Mirror",
    "PassOn",
    "Role",
    "RoutingTable",
    "Share",
    "Sticky",
    "Task",
    "accept",
    "awaited_inputs",
    "is_granted",
    "role_of",
    "task_of",
]


class Role(Enum):
    """What this pod's revision is in the table."""

    ALONE = "alone"  # there is no table: nobody routes here, as outside of Kubernetes
    STABLE = "stable"
    CANARY = "canary"
    SUPERSEDED = "superseded"
    UNLISTED = "unlisted"  # coming up: not named yet

    @property
    def closes_connections(self) -> bool:
        """Callers should reconnect, and reach the stable revision by that."""
        return self is Role.SUPERSEDED


@dataclass(frozen=True)
class Address:
    """Where a revision's peer ports are reached: the address of its Service."""

    host: str
    port: int


@dataclass(frozen=True)
class Sticky:
    """Where a request says whose it is: in a parameter of the request, or in an input. One of the two is empty."""

    parameter: str = ""
    input: str = ""


@dataclass(frozen=True)
class Canary:
    """The revision on trial. `not_after` is Unix time: past it, as if weight 0 and not mirrored."""

    revision: str
    weight: int
    mirror: bool
    not_after: float
    salt: str = ""
    sticky: Sticky | None = None
    awaits: tuple[str, ...] = ()
    cutoff: float | None = None


@dataclass(frozen=True)
class RoutingTable:
    """One generation of the table. Empty strings where the table says nothing."""

    model: str = ""
    generation: int = 0
    stable: str = ""
    superseded: frozenset[str] = frozenset()
    owner: str = ""
    tier: str = ""
    purpose: str = ""
    peers: dict[str, Address] = field(default_factory=dict)
    canary: Canary | None = None


NO_TABLE = RoutingTable()


@dataclass(frozen=True)
class AnswerSelf:
    """Every request is this pod's own."""


@dataclass(frozen=True)
class Share:
    """The canary answers its share of the requests."""

    at: Address
    canary: Canary


@dataclass(frozen=True)
class Mirror:
    """This pod answers, and the canary gets copies."""

    at: Address
    canary: Canary


@dataclass(frozen=True)
class PassOn:
    """Callers have not found the new stable revision yet: everything goes there."""

    at: Address
    to: str


Task = AnswerSelf | Share | Mirror | PassOn


def accept(current: RoutingTable, offered: RoutingTable) -> RoutingTable:
    """The table to use from now on. Generations only grow: a lower one comes from a leader that was replaced."""
    if offered.generation < current.generation:
        raise RoutingError(
            "LowerGeneration",
            f"routing table has generation {offered.generation}, this pod already follows {current.generation}",
        )
    return offered


def role_of(table: RoutingTable, revision: str) -> Role:
    """What a pod of `revision` is under `table`."""
    if table is NO_TABLE:
        return Role.ALONE
    if revision in table.superseded:
        return Role.SUPERSEDED
    if not revision:
        return Role.UNLISTED
    if revision == table.stable:
        return Role.STABLE
    is_canary = table.canary is not None and revision == table.canary.revision
    return Role.CANARY if is_canary else Role.UNLISTED


def task_of(table: RoutingTable, revision: str, now: float) -> Task:
    """What a pod of `revision` does with the requests of callers; `now` is Unix time."""
    role, canary = role_of(table, revision), table.canary
    if role is Role.SUPERSEDED:
        at = table.peers.get(table.stable)
        return AnswerSelf() if at is None else PassOn(at, table.stable)
    if role is not Role.STABLE or canary is None or now >= canary.not_after:
        return AnswerSelf()
    at = table.peers.get(canary.revision)
    if at is None:
        return AnswerSelf()
    if canary.mirror:
        return Mirror(at, canary)
    return Share(at, canary) if canary.weight > 0 else AnswerSelf()


def awaited_inputs(table: RoutingTable, revision: str) -> tuple[str, ...]:
    """Inputs that the canary needs and this pod's callers may not send; only stable pods look."""
    is_asked = table.canary is not None and role_of(table, revision) is Role.STABLE
    return table.canary.awaits if table.canary is not None and is_asked else ()


def is_granted(table: RoutingTable, revision: str, *, caller: str, is_copy: bool, now: float) -> bool:
    """Whether a pod of `revision` answers a pod of revision `caller` on its peer port."""
    role, canary = role_of(table, revision), table.canary
    if role is Role.STABLE:
        return caller in table.superseded and not is_copy
    if role is not Role.CANARY or canary is None or not caller or caller != table.stable or now >= canary.not_after:
        return False
    return canary.mirror if is_copy else canary.weight > 0
