"""A gzip body to the bytes inside it, bounded while it grows. Pure; called by the API for `Content-Encoding: gzip`."""

import zlib
from collections.abc import Iterator

from bankmodel_serving.errors import BadRequest, BodyTooLarge

__all__ = ["inflate"]

_GZIP = 16 + zlib.MAX_WBITS  # the gzip format alone; zlib then checks its header, its length and its checksum
_PIECE = 64 << 10


def inflate(body: bytes, limit: int) -> bytes:
    """What `body` holds, at most `limit` bytes of it: beyond that it is refused having cost no more than a piece more.

    Exactly one member is read. RFC 1952 allows several in a row, no client sends a request so, and whoever looks only
    at the first would read another request than we do.
    """
    pieces: list[bytes] = []
    left = limit
    for piece in _pieces(body):
        left -= len(piece)
        if left < 0:
            raise BodyTooLarge(f"a body is limited to {limit} bytes, inflated too; send fewer rows")
        pieces.append(piece)
    return b"".join(pieces)


def _pieces(body: bytes) -> Iterator[bytes]:
    # Given all at once, the rest would be copied for every piece: zlib hands back what it did not take.
    reader = zlib.decompressobj(_GZIP)
    pending = b""
    at = 0
    while not reader.eof:
        if not pending:
            pending = body[at : at + _PIECE]
            at += len(pending)
        is_last = at == len(body)
        piece = _next_piece(reader, pending)
        pending = reader.unconsumed_tail
        if is_last and not piece and not pending and not reader.eof:
            raise BadRequest("the gzip body ends too early; send all of it")
        yield piece
    behind = len(reader.unused_data) + len(body) - at
    if behind:
        raise BadRequest(f"the gzip body has {behind} bytes behind its end; send one gzip member")


def _next_piece(reader: "zlib._Decompress", pending: bytes) -> bytes:
    try:
        return reader.decompress(pending, _PIECE)
    except zlib.error as error:
        raise BadRequest(f"the body is not gzip, as content-encoding says: {str(error)[:100]}") from error
