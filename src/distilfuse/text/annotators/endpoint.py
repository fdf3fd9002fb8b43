"""Any server with OpenAI's chat interface that takes pictures: vLLM, Ollama, llama.cpp, hosted models."""

from __future__ import annotations

import base64
import email.utils
import io
import os
import random
import threading
import time
from dataclasses import replace
from typing import Any

from distilfuse.errors import ConfigError, DistilfuseError, MissingDependencyError
from distilfuse.text.annotators.annotator import MAX_PIXELS, AnnotatorError, Bytes, check_pair, for_model
from distilfuse.text.answer import read_answer
from distilfuse.text.events import PairCaption
from distilfuse.text.prompts import Prompt

KEY = "OPENAI_API_KEY"
"""The environment variable that holds the key; servers of one's own need none."""

_HOPELESS = {
    401: f"check the key in the environment variable {KEY}",
    402: "pay the account's bill",
    403: "ask for access to the model",
    404: "check --model and --base-url (which ends with /v1 on most servers)",
    405: "check --base-url (which ends with /v1 on most servers)",
}
"""HTTP status that no further attempt and no other pair mends, to the mend."""

_AGAIN = {408, 409, 425, 429}
"""What passes, beside 5xx."""

_LONGEST_WAIT = 120.0
"""Seconds that a server may ask to wait for; one that asks for more has a quota, not a queue."""


class EndpointAnnotator:
    """Sends both pictures and the prompt, and reads the answer.

    What passes (no connection, time-out, 408, 409, 425, 429, 5xx, an answer that is no JSON or empty) is tried again
    after 1, 2, 4, ... seconds, each drawn from half to all of it so that many clients do not come back at once; or
    after what the server's ``Retry-After`` says.

    Args:
        prompt: what to ask.
        model: its name on the server.
        base_url: the server, such as ``http://localhost:11434/v1``; without it OpenAI's, or what the environment
            variable OPENAI_BASE_URL names.
        concurrency: requests at a time.
        rate: requests a minute at most, attempts counted one by one; None for no limit.
        timeout: seconds until an attempt is given up.
        retries: further attempts after the first.
        pause: seconds before the second attempt; doubled for each further one.
        max_pixels: larger pictures are shrunk to this many.
        max_tokens: an answer's length at most.

    Raises:
        MissingDependencyError: the package openai is not installed.
        AnnotatorError: there is no key, and no server of one's own.
        ConfigError: a number out of range.
    """

    def __init__(
        self,
        prompt: Prompt,
        *,
        model: str,
        base_url: str | None = None,
        concurrency: int = 4,
        rate: float | None = None,
        timeout: float = 120.0,
        retries: int = 5,
        pause: float = 1.0,
        max_pixels: int = MAX_PIXELS,
        max_tokens: int = 1024,
    ) -> None:
        try:
            from openai import OpenAI, OpenAIError
        except ImportError as error:
            raise MissingDependencyError(
                "The annotator openai needs the package openai: pip install 'distilfuse[text]'."
            ) from error
        if concurrency < 1 or retries < 0 or (rate is not None and not rate > 0):
            raise ConfigError("The annotator openai needs a concurrency of at least 1 and a rate above 0.")
        base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
        key = os.environ.get(KEY) or ("none" if base_url else "")
        if not key:
            raise AnnotatorError(
                f"There is no key for OpenAI: put it into the environment variable {KEY}, or name a server of your own "
                "with --base-url."
            )
        self.name = f"openai:{model}"
        self.prompt = prompt.hash
        self.concurrency = concurrency
        self._text, self._model = prompt.text, model
        self._retries, self._pause = retries, pause
        self._max_pixels, self._max_tokens = max_pixels, max_tokens
        self._pace = _Pace(rate)
        try:
            # Attempts are counted here, not by the client: its own do not heed the rate.
            self._client = OpenAI(api_key=key, base_url=base_url, timeout=timeout, max_retries=0)
        except (OpenAIError, ValueError, TypeError) as error:
            raise AnnotatorError(f"The server {base_url} cannot be used ({error}): check --base-url.") from error

    def annotate(self, visible: Bytes, infrared: Bytes, pair: str) -> PairCaption:
        """See :class:`distilfuse.text.annotators.Annotator`.

        Raises:
            AnnotatorError: the key, the model or the address is wrong, or the account has no credit.
            DistilfuseError: no answer to this pair after all attempts.
        """
        check_pair(visible, infrared, pair)
        content = [
            {"type": "text", "text": "Picture A:"},
            {"type": "image_url", "image_url": {"url": self._data_url(visible)}},
            {"type": "text", "text": "Picture B:"},
            {"type": "image_url", "image_url": {"url": self._data_url(infrared)}},
            {"type": "text", "text": self._text},
        ]
        for attempt in range(self._retries + 1):
            self._pace.wait()
            try:
                answer, cut = self._ask(content)
            except _PassingError as error:
                wait = error.wait
                if attempt == self._retries or (wait or 0) > _LONGEST_WAIT:
                    tried = f"after {attempt + 1} attempts" if attempt else "at the first attempt"
                    raise DistilfuseError(
                        f"No answer to {pair} {tried} ({error}): look at the server, or run the command again later."
                    ) from error
                time.sleep(self._pause * 2**attempt * random.uniform(0.5, 1) if wait is None else wait)
            else:
                caption = read_answer(answer, pair)
                problems = caption.problems + (("The answer was cut off.",) if cut else ())
                return replace(caption, annotator=self.name, prompt=self.prompt, problems=problems)
        raise AssertionError("unreachable")

    def _ask(self, content: list[Any]) -> tuple[str, bool]:
        """One attempt: the answer, and whether it was cut off at the length allowed."""
        import openai

        try:
            reply: Any = self._client.chat.completions.create(
                model=self._model,
                messages=[{"role": "user", "content": content}],
                temperature=0,
                max_tokens=self._max_tokens,
            )
        except openai.APIStatusError as error:
            raise self._judged(error) from error
        except openai.APIConnectionError as error:  # time-outs too
            cause = f" ({error.__cause__})" if error.__cause__ and str(error.__cause__) else ""
            raise _PassingError(f"{error.message.rstrip('.').lower()}{cause}") from error
        except (openai.OpenAIError, ValueError) as error:  # a body that is no JSON, or JSON of another kind
            raise _PassingError(f"the reply is not as agreed: {type(error).__name__}") from error
        try:
            choice = reply.choices[0]
            answer, cut = choice.message.content, choice.finish_reason == "length"
        except (AttributeError, IndexError, TypeError) as error:
            raise _PassingError("the reply holds no message") from error
        if not isinstance(answer, str) or not answer.strip():
            raise _PassingError("the message is empty")
        return answer, cut

    def _judged(self, error: Any) -> Exception:
        """What a status other than 200 means: for every pair, for this one, or for this moment."""
        status, said = int(error.status_code), _said(error)
        if status in _HOPELESS or error.code == "insufficient_quota":
            mend = _HOPELESS.get(status, "pay the account's bill")
            return AnnotatorError(f"{self._client.base_url} answers {status} ({said}): {mend}.")
        if status in _AGAIN or status >= 500:
            return _PassingError(f"{status}, {said}", _retry_after(error.response.headers.get("retry-after")))
        return DistilfuseError(f"{self._client.base_url} refuses the request with {status} ({said}).")

    def _data_url(self, picture: Bytes) -> str:
        buffer = io.BytesIO()
        for_model(picture, self._max_pixels).save(buffer, "PNG")  # JPEG would add what the model is asked to look for
        return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


class _PassingError(Exception):
    """What may be gone at the next attempt; ``wait``: seconds that the server asks for."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.wait = wait


class _Pace:
    """Lets at most so many a minute through, evenly, whatever the number of threads."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            time.sleep(turn - now)


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, of a header that holds seconds or a date; None where it says nothing of use."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None  # nan is not equal to itself


def _said(error: Any) -> str:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    text = message if isinstance(message, str) and message else type(error).__name__
    return " ".join(text.split()).rstrip(".")[:160]
