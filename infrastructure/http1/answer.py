"""What a peer answers to one request, as its bytes come in."""

import httptools
import httpx

MAX_HEAD_BYTES = 128 * 1024
"""The largest status line and header fields that are read, together."""

MAX_IDLE_TALK_BYTES = 256 * 1024
"""How much a peer may say in one go that brings neither the head nor a byte of the body: endless fields,
endless interim responses, endless extensions of chunks."""

_LLAMA_CPP = b"llama.cpp"


class Answer:
    """
    The answer to one request, fed with what the connection brings, and its body taken out at the other end.

    Interim responses (1xx) and trailers are passed over. It neither waits nor writes.

    Args:
        has_body: whether a body follows the head; none does after HEAD, whatever the head says.
    """

    __slots__ = (
        "_body",
        "_has_body",
        "_head_bytes",
        "_idle_talk",
        "_is_interim",
        "_parser",
        "error",
        "has_begun",
        "has_ended",
        "has_failed",
        "headers",
        "may_be_followed",
        "named",
        "reason",
        "size",
        "status",
        "version",
        "was_heard",
    )

    def __init__(self, *, has_body: bool = True) -> None:
        self.status = 0
        self.reason = b""
        self.version = b""
        self.headers: list[tuple[bytes, bytes]] = []
        """As the peer wrote them."""
        self.named: dict[bytes, bytes] = {}
        """The same by their names in lower case; of several with one name the last."""
        self.size = 0
        """How much of the body waits to be taken, in bytes."""
        self.was_heard = False
        """A byte has come."""
        self.has_begun = False
        """The head is here."""
        self.has_ended = False
        """All of it is here."""
        self.may_be_followed = False
        """It has ended, and the connection may carry another exchange."""
        self.has_failed = False
        """The rest will not come."""
        self.error: Exception | None = None
        """Why not, until somebody was told."""
        self._body: list[bytes] = []
        self._has_body = has_body
        self._head_bytes = 0
        self._idle_talk = 0
        self._is_interim = False
        # The parser knows this object, and this object the parser, until there is nothing left to understand:
        # otherwise both would stay until the collector comes.
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def __repr__(self) -> str:
        state = "failed" if self.has_failed else "whole" if self.has_ended else "under way"
        return f"<Answer {self.status or 'without a status'}, {state}>"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes, for better or worse."""
        return self.has_ended or self.has_failed

    def feed(self, data: bytes) -> None:
        """Understand what came in; what makes no sense is its error."""
        parser = self._parser
        if parser is None:
            return
        self.was_heard = True
        self._idle_talk += len(data)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.may_be_followed = False
            self.fail(httpx.RemoteProtocolError(f"The peer does not keep to HTTP: {_in_words(error)}"))
        else:
            if self._idle_talk > MAX_IDLE_TALK_BYTES:
                self.fail(httpx.RemoteProtocolError("The peer talks on and on and says nothing"))
        if self.has_ended:
            self._parser = None

    def take(self) -> bytes:
        """What came of the body since the last time; nothing, if nothing did."""
        if len(self._body) == 1:
            taken = self._body.pop()
        else:
            taken = b"".join(self._body)
            self._body.clear()
        self.size = 0
        return taken

    def fail(self, error: Exception) -> None:
        """Nothing more comes; what came before stays. Of several reasons the first counts."""
        if not self.is_over:
            self.error = error
            self.has_failed = True
            self._parser = None

    def why_not(self) -> Exception:
        """
        To be raised: why the rest will not come.

        It is told once. An error that was raised knows the frames that it came through, and so this answer;
        if that knew the error, none of them would go before the collector comes, nor would a prompt of
        megabytes.
        """
        error, self.error = self.error, None
        return error or httpx.ReadError("The answer has failed before")

    def connection_ended(self, cause: Exception | None) -> None:
        """The connection is gone, without a cause if the peer closed it in good order."""
        if self.is_over:
            return
        if cause is not None:
            self.fail(httpx.ReadError(f"{type(cause).__name__}: {cause}"))
        elif self.has_begun and self._ends_with_the_connection:
            self.has_ended = True
            self._parser = None
        else:
            where = "inside its answer" if self.was_heard else "without an answer"
            self.fail(httpx.RemoteProtocolError(f"The peer closed the connection {where}"))

    @property
    def _ends_with_the_connection(self) -> bool:
        return b"content-length" not in self.named and b"transfer-encoding" not in self.named

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self.has_ended:
            self.may_be_followed = False

    def on_status(self, reason: bytes) -> None:
        if not self.has_begun:
            self._count(len(reason))
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_begun:
            self._count(len(name) + len(value))
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self.has_begun or parser is None:
            return
        status = parser.get_status_code()
        if status < 100:
            raise _SenselessError(f"{status} is no status")
        if status < 200:
            self._is_interim = True
            self.headers.clear()
            self.reason = b""
            return
        self.status = status
        self.version = b"HTTP/" + parser.get_http_version().encode()
        self.named = {name.lower(): value for name, value in self.headers}
        self.has_begun = True
        self.has_ended = not self._has_body
        self._idle_talk = 0

    def on_body(self, piece: bytes) -> None:
        if not self.has_ended:
            self._body.append(piece)
            self.size += len(piece)
            self._idle_talk = 0

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
        elif not self.has_ended and self._parser is not None:
            self.has_ended = True
            self.may_be_followed = self._parser.should_keep_alive() and not self._is_followed_by_a_close

    @property
    def _is_followed_by_a_close(self) -> bool:
        # llama.cpp promises to keep the connection and closes it after each chunked answer. A request that is
        # sent before the close arrives, as the next turn of an agent easily is, would be lost.
        return self.named.get(b"server") == _LLAMA_CPP and b"transfer-encoding" in self.named

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > MAX_HEAD_BYTES:
            raise _SenselessError(f"its head is larger than {MAX_HEAD_BYTES} bytes")


class _SenselessError(Exception):
    """Ends the parsing of a head."""


def _in_words(error: Exception) -> str:
    if isinstance(error, httptools.HttpParserUpgrade):
        return "it goes over to another protocol unasked"
    found = error.__context__ if isinstance(error.__context__, _SenselessError) else error
    return str(found) or type(found).__name__
