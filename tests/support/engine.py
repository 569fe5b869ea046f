"""An engine that isn't one: OpenAI's chat completions, with the faults that real ones have."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

WORDS = ["yes", "no", " red", " blue", " 7", " on", " the", " left", " sign", " dog", "▁", "<end>"]
END = len(WORDS) - 1


class FakeEngine:
    """Answers with a hash of what it is shown. Attributes are how it is, and what is wrong with it.

    log: bodies of all requests, and their headers.
    """

    def __init__(self, **faults):
        self.model = "fake"
        self.most = 20  # alternatives that it tells
        self.images = 2  # of a prompt, at most
        self.end_token = True  # is told
        self.logprobs = True  # are told
        self.halves = False  # every other answer of one token is part of a character: nothing told
        self.temperature = 1.0  # that the log-probabilities are after, if not 1
        self.after_temperature = False
        self.mixes = 0  # every so many requests get another image's answer
        self.drift = 0.0  # nats by which scores shift from request to request
        self.cached_tokens = True
        self.needs_key = None
        self.thoughts = ""  # before the answer: "inline", "apart" or "endless"
        self.bos = True  # its template writes the token that begins a text
        self.tokenize = True  # can be asked for tokens, as vLLM
        self.reply = None  # (status, content type, body) in place of all
        self.page = None  # of /models
        self.says = {}  # part of the text asked -> answer, always
        self.delay = 0.0  # seconds that a request takes, however many there are
        self.meeting = None  # a threading.Barrier, at which requests wait for each other
        for name, value in faults.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        self.log, self.count, self.seen = [], 0, {}

    def post(self, path, headers, body):
        """(status, content type, body)."""
        if self.meeting:
            self.meeting.wait(60)
        time.sleep(self.delay)
        self.log.append((path, headers, body))
        if self.reply:
            return self.reply
        if self.needs_key and headers.get("Authorization") != f"Bearer {self.needs_key}":
            said = f"Incorrect API key provided: {headers.get('Authorization', '')[7:]}."
            return _error(401, said)
        asked = json.loads(body)
        if path == "/tokenize":
            return self._tokens(asked) if self.tokenize else _error(404, "Not Found")
        if asked["model"] != self.model:
            return _error(404, f"The model `{asked['model']}` does not exist.")
        return self._completion(asked)

    def _completion(self, asked):
        parts = asked["messages"][0]["content"]
        images = [_pixels(part["image_url"]["url"]) for part in parts if "image_url" in part]
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        if len(images) > self.images:
            return _error(400, f"At most {self.images} image(s) may be provided in one prompt.")
        if asked.get("top_logprobs", 0) > self.most:
            return _error(400, f"top_logprobs must be at most {self.most}.")
        self.count += 1
        shown = b"".join(images)
        if self.mixes and self.count % self.mixes == 0 and text in self.seen:
            shown = self.seen[text]
        self.seen[text] = shown
        bos = self.bos or asked.get("add_special_tokens", False)
        ids, logits = _thought(shown + text.encode() + (b"" if bos else b"?"))
        forced = next((answer for part, answer in self.says.items() if part in text), None)
        temperature = asked.get("temperature", 1.0)
        if self.after_temperature and temperature:
            logits = logits / temperature
        logits = logits + self.drift * self.count * np.linspace(0, 1, logits.shape[1])
        if temperature:  # one is drawn, perhaps from far down
            ids[0] = int(np.argsort(-logits[0])[int(8 * temperature) % 10])
        tokens = [self._token(row, chosen, asked) for row, chosen in zip(logits, ids, strict=True)]
        content = "".join(WORDS[one] for one in ids[:-1]).strip()
        if forced is not None:
            content, tokens = forced, [
                {"token": forced, "logprob": -0.1, "bytes": None,
                 "top_logprobs": [{"token": forced, "logprob": -0.1}]}]  # fmt: skip
        elif not self.end_token:
            tokens = tokens[:-1]
        tokens = tokens[: asked["max_tokens"]]
        message = {"role": "assistant", "content": content}
        if self.thoughts:
            before = [_plain(one) for one in ("<think>", "let me see", "</think>", "\n\n")]
            if self.thoughts == "endless":
                tokens, message["content"] = before[:2], ""
            elif self.thoughts == "inline":
                message["content"] = f"<think>let me see</think>\n\n{content}"
                tokens = before + tokens
            else:
                message["reasoning"] = "let me see"
                tokens = [before[1], *tokens]
        usage = {"prompt_tokens": len(shown) // 64 + len(text) + bos, "completion_tokens": 4}
        if self.cached_tokens:
            usage["prompt_tokens_details"] = {"cached_tokens": len(images) * 8}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        half = self.halves and asked["max_tokens"] == 1 and self.count % 2
        choice["logprobs"] = {"content": tokens} if self.logprobs and not half else None
        return _json({"object": "chat.completion", "choices": [choice], "usage": usage})

    def _token(self, logits, chosen, asked):
        logp = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
        order = np.argsort(-logp)[: asked.get("top_logprobs", 0)]
        told = {"token": WORDS[chosen], "logprob": float(logp[chosen]), "bytes": None}
        tops = [{"token": WORDS[i], "logprob": float(logp[i]), "bytes": None} for i in order]
        return told | {"top_logprobs": tops}

    def _tokens(self, asked):
        ids = [9, 8, 7]
        if self.bos:
            ids = [1, *ids]
        if asked.get("add_special_tokens"):
            ids = [1, *ids]
        return _json({"count": len(ids), "tokens": ids, "max_model_len": 2048})


def _thought(shown):
    """(T,) ids, the end among them, and (T, V) logits, of what is shown."""
    seed = int.from_bytes(hashlib.sha256(shown).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (4, len(WORDS)))
    logits[:3, END] = -50.0
    logits[3, END] = 20.0
    logits[:, WORDS.index("▁")] = -50.0
    return logits.argmax(axis=1).tolist(), logits


def _pixels(url):
    assert url.startswith("data:image/png;base64,"), url[:40]
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).tobytes()


def _plain(text):
    return {"token": text, "logprob": math.log(0.9), "top_logprobs": []}


def _json(body):
    return 200, "application/json", json.dumps(body)


def _error(status, message):
    return status, "application/json", json.dumps({"error": {"message": message}})


@contextmanager
def engine(**faults):
    """Yield the URL below which it answers, /v1, and the engine."""
    fake = FakeEngine(**faults)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            listed = _json({"object": "list", "data": [{"id": fake.model, "object": "model"}]})
            self._send(fake.page or listed)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(fake.post(self.path, dict(self.headers), body))

        def _send(self, reply):
            status, kind, body = reply
            data = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", fake
    finally:
        server.shutdown()
        server.server_close()
