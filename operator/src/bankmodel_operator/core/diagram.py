"""docs/rollout.md, printed from the table of transitions, so that the page cannot differ from the code.

Called by `python -m bankmodel_operator.generate rollout`; a test compares the file.
"""

from __future__ import annotations

from bankmodel_operator.core.states import (
    MEANING,
    TRANSITIONS,
    Baking,
    Climbing,
    Draining,
    Preparing,
    Progressing,
    Serving,
    Starting,
    State,
    Unseen,
    Withdrawing,
)

_DESCRIBED: tuple[type[State], ...] = (
    Unseen,
    Starting,
    Serving,
    Progressing,
    Preparing,
    Climbing,
    Withdrawing,
    Baking,
    Draining,
)

_ANSWERS = {
    Unseen: "nobody, or whoever the stable Service selects",
    Starting: "nobody yet",
    Serving: "the stable revision",
    Progressing: "the stable revision",
    Preparing: "the stable revision",
    Climbing: "the stable revision, and the canary its share",
    Withdrawing: "the stable revision",
    Baking: "the new stable revision; the one before is ready to take over again",
    Draining: "the new stable revision; the superseded one finishes its connections",
}

_PAGE = """\
<!-- Generated from bankmodel_operator.core.states by `make docs`; do not edit. -->
# The rollout

One pass takes at most one turn. The new state is saved in `status.rollout` first; then the cluster is made to
match it. A crash between the two repeats the second part and nothing else.

```mermaid
stateDiagram-v2
    [*] --> Unseen
{arrows}
```

## States

| state | what it means | who answers |
|---|---|---|
{states}

A saved state that this operator does not know is held: no child is touched, `Ready` is `Unknown` with reason
`NotUnderstood`. Under `spec.suspend` no turn is taken, except that a lost status is rebuilt and a canary loses its
requests.

## Turns

| from | turn | to | when |
|---|---|---|---|
{turns}

A turn that starts a revision waits while a name it needs is taken, while leftovers of a deleted model of the same
name are being removed, and while the cluster does not support the model's source.
"""


def rollout_markdown() -> str:
    """The whole page."""
    pairs = [(source.__name__, str(turn), goal.__name__) for (source, turn), goal in TRANSITIONS.items()]
    return _PAGE.format(
        arrows="\n".join(f"    {source} --> {goal}: {turn}" for source, turn, goal in pairs),
        states="\n".join(f"| {each.__name__} | {_meaning(each)} | {_ANSWERS[each]} |" for each in _DESCRIBED),
        turns="\n".join(
            f"| {source} | {turn} | {goal} | {MEANING[named]} |"
            for (source, turn, goal), named in zip(pairs, (turn for _, turn in TRANSITIONS), strict=True)
        ),
    )


def _meaning(state: type[State]) -> str:
    """The first paragraph of the class's own docstring, on one line."""
    return " ".join((state.__doc__ or "").split("\n\n")[0].split())
