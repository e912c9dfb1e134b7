"""Replays recorded answers of real models as `replay-short`, `replay-distilled` and `replay-long`.

The text is the recording. Reasoning that the record hides is a simulation, not a recording: a few words stand for it in the
stream, and the usage bills the declared mean of its tier, marked `simulated`. Limits of the request are not applied: a
recording cannot be made shorter without inventing what the model would have said.
"""

from collections.abc import Iterator

from loadtest.records import TIERS, Output, Record
from loadtest.simulator.delivery import Script
from loadtest.simulator.faults import Fault
from loadtest.simulator.reasoner import Channel, Token
from loadtest.simulator.request import BadRequestError, ChatRequest
from loadtest.simulator.tokens import split_tokens
from loadtest.simulator.wire import Bill

MODELS = tuple(f"replay-{tier}" for tier in TIERS)
_STAND_IN = "[reasoning not recorded; {tokens} tokens billed as the declared mean of this tier: a simulation, not a recording]"


class Replayer:
    """Finds the recorded answer to a request.

    Args:
        records: The replay set.
        spread: Sample k, by the request's seed and the choice's index, is the answer of the k-th recorded model of the
            tier, over and over; else every sample is the answer of the first.
    """

    def __init__(self, records: list[Record], *, spread: bool = False) -> None:
        self._records = {record.prompt.strip(): record for record in records}
        self._spread = spread

    def script(
        self, request: ChatRequest, model: str, prompt_tokens: int, faults: frozenset[Fault]
    ) -> Script:
        """Return the recorded answers of the model's tier to the prompt contained in the last user message.

        Raises:
            BadRequestError: With status 404, if no recorded prompt is in it or the tier was not recorded.
        """
        record = self._find(request)
        samples = record.samples.get(model.removeprefix("replay-")) if record else None
        if samples is None:
            raise BadRequestError(
                f"no recorded answer of {model} to this prompt",
                param="messages",
                status=404,
                code="not_recorded",
            )
        first = request.seed or 0
        drawn = [
            samples[(first + index) % len(samples)] if self._spread else samples[0]
            for index in range(request.n)
        ]
        tokens = sum(output.tokens for output in drawn)
        bill = Bill(prompt_tokens, tokens, simulated=any(output.simulated for output in drawn))
        bill.reasoning_tokens = tokens - sum(output.visible_tokens for output in drawn)
        choices = tuple(map(_tokens, drawn))
        return Script(model, choices, bill, is_bill_fixed=True, faults=faults)

    def _find(self, request: ChatRequest) -> Record | None:
        text = next((m.text for m in reversed(request.messages) if m.role == "user"), "").strip()
        exact = self._records.get(text)
        if exact is not None:
            return exact
        contained = [prompt for prompt in self._records if prompt and prompt in text]
        return self._records[max(contained, key=len)] if contained else None


def _tokens(output: Output) -> Iterator[Token | str]:
    reasoning = output.reasoning
    if output.simulated and not reasoning:
        reasoning = _STAND_IN.format(tokens=output.tokens - output.visible_tokens)
    for text in split_tokens(reasoning):
        yield Token(Channel.REASONING, text)
    for text in split_tokens(output.text):
        yield Token(Channel.CONTENT, text)
    yield "stop"
