"""The split: which requests another revision answers, how they get there, and what happens when they do not.

`choosing`, `keys`, `breaker` and `comparing` decide and do no I/O; `link` and `peer_connection` speak to a peer; `forwarder` and
`shadow` join them; `split` follows the routing table. The API and the gRPC service ask it before they score (ADR 18).
"""
