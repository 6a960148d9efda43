"""An answer leaves in one piece; what goes on leaves when the loop comes round, and much leaves at once."""

import asyncio

from service.server.whole_answers import _MUCH, WholeAnswers


class RecordingTransport(asyncio.Transport):
    """Notes what is handed to the system together."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []

    def writelines(self, parts: list[bytes]) -> None:  # type: ignore[override]
        self.calls.append(b"".join(parts))

    def write_eof(self) -> None:
        self.calls.append(b"<eof>")

    def close(self) -> None:
        self.calls.append(b"<closed>")

    def abort(self) -> None:
        self.calls.append(b"<aborted>")


def test_head_and_body_leave_together_and_nothing_leaves_twice() -> None:
    async def answer() -> list[bytes]:
        transport = RecordingTransport()
        whole = WholeAnswers(transport, asyncio.get_running_loop())
        whole.write(b"head ")
        whole.write(b"body")
        assert transport.calls == []
        whole.send()
        await asyncio.sleep(0)
        return transport.calls

    assert asyncio.run(answer()) == [b"head body"]


def test_a_part_of_an_answer_that_goes_on_leaves_when_the_loop_comes_round() -> None:
    async def stream() -> list[bytes]:
        transport = RecordingTransport()
        whole = WholeAnswers(transport, asyncio.get_running_loop())
        for event in (b"one", b"two"):
            whole.write(event)
            await asyncio.sleep(0)
        return transport.calls

    assert asyncio.run(stream()) == [b"one", b"two"]


def test_much_leaves_at_once_so_that_a_slow_client_is_noticed() -> None:
    async def write_much() -> int:
        transport = RecordingTransport()
        whole = WholeAnswers(transport, asyncio.get_running_loop())
        whole.write(bytes(_MUCH + 1))
        return len(transport.calls[0])

    assert asyncio.run(write_much()) == _MUCH + 1


def test_an_end_comes_after_what_waits_and_a_break_instead_of_it() -> None:
    async def end(how: str) -> list[bytes]:
        transport = RecordingTransport()
        whole = WholeAnswers(transport, asyncio.get_running_loop())
        whole.write(b"last")
        getattr(whole, how)()
        await asyncio.sleep(0)
        return transport.calls

    assert asyncio.run(end("close")) == [b"last", b"<closed>"]
    assert asyncio.run(end("write_eof")) == [b"last", b"<eof>"]
    assert asyncio.run(end("abort")) == [b"<aborted>"]
