"""HTTP as uvicorn reads it, but no head of a request is endless, and no request for ever on its way."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024  # request line and headers; uvicorn itself would keep whatever comes
_CLOSE = b"content-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _CLOSE
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\n" + _CLOSE


def patient_protocol(slow_request_s: float) -> type[HttpToolsProtocol]:
    """Return a protocol that closes a connection whose request is not whole after so many seconds."""

    class PatientProtocol(HttpToolsProtocol):
        """One timer a connection, and none more for requests that come in one piece."""

        _n_head = 0
        _is_whole = False  # nothing was sent yet, which may not last for ever either
        _is_head = True
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._patience = self.loop.call_later(slow_request_s, self._end)

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            was_head = self._is_head
            super().data_received(data)
            if self._is_whole:
                return
            if self._patience is None:
                self._patience = self.loop.call_later(slow_request_s, self._end)
            if was_head and self._is_head:
                self._n_head += len(data)
                if self._n_head > HEAD_BYTES:
                    self._end(_TOO_LONG)

        def handle_websocket_upgrade(self) -> None:
            self._forget()
            super().handle_websocket_upgrade()

        def on_message_begin(self) -> None:
            self._is_whole, self._is_head, self._n_head = False, True, 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._is_head = False
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._is_whole = True
            self._forget()
            super().on_message_complete()

        def _forget(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

        def _end(self, answer: bytes = _TOO_SLOW) -> None:
            self._forget()
            if not self.transport.is_closing():
                if self._is_head and self._n_head:  # else there may be an answer on its way
                    self.transport.write(answer)
                self.transport.close()

    return PatientProtocol
