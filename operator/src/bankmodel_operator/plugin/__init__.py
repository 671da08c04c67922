"""`kubectl bankmodel`: what a rollout does, in a terminal, and the orders that people give it.

A program on the user's machine, not a part of the operator: it reads a BankModel and writes its annotations, with the
user's own rights. `cli` has the commands, `connection` the API server; all else is pure.
"""
