/* Algorithm 1 against the server that this page came from: core/edge/client.py for a browser.

   Every message has a key of its own, so that sending it again never asks twice. A server that
   forgot the first stage says so, and the question starts anew. The original stays here: what
   leaves is a global image of the model's input size and, as often as the server said it may look,
   a local one; a server that asks for more is refused. No DOM: `fetch`, clock and pauses can be others. */

import { HOWS, inside } from "./fit.js";
import { Problem, checkedQuestion, packed, unpacked } from "./messages.js";

export const PASSING = new Set(
  [408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524, 527, 530, 598, 599],
); // statuses after which the same message may succeed: core/edge/problems.py
const MAX_INPUT_PIXELS = 2048 * 2048; // a model that wants more would get the original, nearly
const MAX_LOOKS = 5; // local images for one question, whatever the server says
const MAX_RESTARTS = 5; // of a question whose session the server forgot
const LONGEST_PAUSE = 30; // seconds between two attempts
const FORMATS = ["jpeg", "webp", "png"]; // what a browser may write, the first that is taken
const COMPACT = "application/vnd.second-look";
const PREFER = { Prefer: "first-answer" }; // what stands until the local image has come

const later = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(new Stopped()); });
});

export class Stopped extends Error {}

/* Seconds before the next attempt: twice as long each time, and never in step with others. */
export function* pauses(random = Math.random) {
  for (let longest = 0.25; ; longest = Math.min(2 * longest, 10)) {
    yield longest * (0.5 + random() / 2);
  }
}

/* token: of the server, "" for none. timeout: seconds for one attempt. patience: seconds before a
   message is given up. note: called with what happens, { event, … }. */
export class Client {
  constructor({
    token = "", timeout = 30, patience = 300, note = () => {}, signal = undefined,
    fetch = (...request) => globalThis.fetch(...request), pause = later,
    now = () => performance.now() / 1000,
  } = {}) {
    Object.assign(this, { token, timeout, patience, note, signal, fetch, pause, now });
    this.known = null;
  }

  /* What the server says of itself, with its fit. Throws Problem. */
  async info() {
    if (this.known) return this.known;
    const response = await this.attempts("v1/info", { method: "GET" });
    let info;
    try {
      info = JSON.parse(new TextDecoder().decode(response.bytes));
    } catch {
      unpacked(new Uint8Array());
    }
    const inputSize = info.input_size, how = info.fit ?? "pad", cell = info.cell ?? 1;
    if (!Array.isArray(inputSize) || inputSize.length !== 2 || !HOWS.includes(how)
        || ![...inputSize, cell].every((number) => Number.isInteger(number) && number > 0)) {
      throw new Problem("The server doesn't say, as known here, how images are sized: reload.");
    }
    const [width, height] = inputSize;
    if (width * height > MAX_INPUT_PIXELS) {
      throw new Problem(
        `The server asks for images of ${width} × ${height} pixels, more than may leave this phone.`);
    }
    const format = FORMATS.find((name) => (info.image_formats ?? FORMATS).includes(name));
    if (!format) throw new Problem("The server takes no image format that a browser can write.");
    const deadline = info.deadline > 0 ? info.deadline : null;
    const rounds = Array.isArray(info.gate?.rounds) ? info.gate.rounds.length : 0;
    const said = Number.isInteger(info.looks) ? info.looks : 1 + rounds;
    const looks = Math.min(said, MAX_LOOKS);
    this.known = { ...info, format, deadline, looks, said, fit: { how, inputSize, cell } };
    return this.known;
  }

  /* The answer to one question. photo: { size, image(box, fit, format) → { bytes, format } },
     box null for all of it. Throws Problem or Stopped. */
  async ask(photo, question) {
    const since = this.now();
    for (let restarts = 0; restarts <= MAX_RESTARTS; restarts++) {
      try {
        return { ...await this.once(photo, question, since), restarts };
      } catch (error) {
        if (error.code !== "session_expired") throw error;
        this.note({ event: "restart" });
      }
    }
    throw new Problem("The server forgot the question again and again: give it more sessions.");
  }

  async once(photo, question, since) {
    const info = await this.info();
    const text = checkedQuestion(question, info.max_question ?? 1000);
    const whole = await photo.image(null, info.fit, info.format);
    const more = { ...PREFER };
    if (info.deadline) more["Second-Look-Waited"] = (this.now() - since).toFixed(3);
    const header = {
      kind: "question", original_size: photo.size, image_format: whole.format, question: text,
    };
    const first = await this.send("v1/questions", header, whole.bytes, { more });
    const { uncertainty, skipped } = first;
    const said = { uncertainty, skipped, box: null, boxes: [], late: false };
    if (first.reply.kind === "answer") {
      return { ...said, answer: first.reply.text, firstAnswer: first.reply.text };
    }
    const { firstAnswer } = first, boxes = [];
    let latest = first;
    while (latest.reply.kind === "crop request") {
      const { session, box } = latest.reply;
      if (boxes.length >= info.looks) {
        throw new Problem(info.said > MAX_LOOKS
          ? `The server may ask for ${info.said} local images, more than may leave this phone.`
          : "The server asks for more local images than it said: ask again.");
      }
      if (!inside(box, photo.size)) {
        throw new Problem("The server asked for a box that isn't in the photo: ask again.");
      }
      boxes.push(box);
      this.note({
        event: "box", box, uncertainty: latest.uncertainty, firstAnswer: latest.firstAnswer,
      });
      const crop = await photo.image(box, info.fit, info.format);
      const local = { kind: "local image", session, image_format: crop.format };
      let within = null;
      if (info.deadline && firstAnswer !== null) {
        within = Math.max(since + info.deadline - this.now(), 0.01);
      }
      try {
        latest = await this.send("v1/local-images", local, crop.bytes, { within, more: PREFER });
      } catch (error) {
        if (within === null || error instanceof Stopped) throw error;
        return { ...said, answer: firstAnswer, firstAnswer, box, boxes, late: true };
      }
    }
    return { ...said, answer: latest.reply.text, firstAnswer, box: boxes.at(-1), boxes };
  }

  async send(path, header, image, { more = {}, within = null }) {
    const body = packed(header, image);
    const headers = { "Content-Type": COMPACT, "Idempotency-Key": freshKey(), ...more };
    const response = await this.attempts(path, { method: "POST", body, headers }, within, header.kind);
    const number = parseFloat(response.headers.get("Second-Look-Uncertainty"));
    return {
      reply: unpacked(response.bytes),
      uncertainty: Number.isFinite(number) ? number : null,
      firstAnswer: decoded(response.headers.get("Second-Look-First-Answer")),
      skipped: response.headers.get("Second-Look-Skipped"),
    };
  }

  /* The response, once one succeeds. Throws Problem for what the next attempt wouldn't mend. */
  async attempts(path, request, within = null, kind = "info") {
    const patience = Math.min(this.patience, within ?? Infinity);
    const timeout = Math.min(this.timeout, within ?? Infinity);
    const deadline = this.now() + patience;
    const options = { redirect: "manual", cache: "no-store", ...request };
    options.headers = { ...request.headers };
    if (this.token) options.headers.Authorization = `Bearer ${this.token}`;
    for (const pause of pauses()) {
      let trouble = "the server can't be reached", least = 0;
      if (request.body) this.note({ event: "sent", kind, bytes: request.body.length });
      const response = await this.attempt(path, options, timeout);
      if (response?.ok) return response;
      if (response) {
        const problem = refused(response);
        if (!PASSING.has(response.status)) throw problem;
        trouble = problem.message.replace(/\.$/, "");
        least = retryAfter(response);
      } else {
        this.known = null; // the server that comes back may be another one
      }
      const seconds = Math.min(least + pause, LONGEST_PAUSE);
      if (this.now() + seconds > deadline) {
        throw new Problem(`No answer in ${Math.round(patience)} s (${trouble}): check the network.`);
      }
      this.note({ event: "again", trouble, seconds });
      await this.pause(seconds, this.signal);
    }
  }

  /* One attempt: null if no whole response came in time. */
  async attempt(path, options, timeout) {
    if (this.signal?.aborted) throw new Stopped();
    const aborter = new AbortController(), abort = () => aborter.abort();
    const timer = setTimeout(abort, 1000 * timeout);
    this.signal?.addEventListener("abort", abort);
    try {
      const response = await this.fetch(path, { ...options, signal: aborter.signal });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const { ok, status, type, headers } = response;
      return { ok, status, type, headers, bytes };
    } catch {
      if (this.signal?.aborted) throw new Stopped();
      return null;
    } finally {
      clearTimeout(timer);
      this.signal?.removeEventListener("abort", abort);
    }
  }
}

/* 16 random bytes. (crypto.randomUUID is only there on https.) */
function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function decoded(text) {
  try {
    return text === null ? null : decodeURIComponent(text);
  } catch {
    return null;
  }
}

function retryAfter(response) {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d{1,5}$/.test(text) ? Number(text) : 0;
}

/* What a response that isn't a success means: in the server's own words, if they are its own. */
function refused({ bytes, status, type }) {
  if (type === "opaqueredirect") {
    return new Problem("The network sends on to another page: log in there, and reload.");
  }
  try {
    const { code, detail } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof code === "string" && typeof detail === "string") return new Problem(detail, code);
  } catch { /* a web page of something between */ }
  return new Problem(`The server, or a proxy before it, won't do this (status ${status}).`);
}
