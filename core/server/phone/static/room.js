/* The class that a phone is in: what is voted on, its votes and, if its owner wants, numbers on what
   it asked. No picture and no text goes to the class. No DOM. */

import { Problem } from "./messages.js";

const NAME = /^[0-9a-f]{32}$/;

/* The code in an address, or null. */
export function codeOf(search) {
  const code = new URLSearchParams(search).get("room") ?? "";
  return /^[A-Za-z]{4,12}$/.test(code) ? code.toUpperCase() : null;
}

/* A random name to vote by: the same for one class, so that a reload is no second vote. Where the
   browser keeps nothing, it is a new one. */
export function deviceOf(code, store) {
  const key = `second-look-class-${code}`;
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const kept = store().getItem(key);
    if (NAME.test(kept ?? "")) return kept;
    store().setItem(key, fresh);
  } catch { /* no storage */ }
  return fresh;
}

export class Room {
  constructor(code, device, fetch = (...request) => globalThis.fetch(...request)) {
    Object.assign(this, { code, device, fetch, round: 0 });
  }

  /* What is open now: { round, open: { name: text } }. Throws Problem. */
  async now() {
    const response = await this.send("", { method: "GET" });
    const { round, open } = await response.json();
    this.round = round;
    return { round, open };
  }

  /* Votes, in place of an earlier vote. Throws Problem. */
  vote(question, yes) {
    return this.send(`/votes/${encodeURIComponent(question)}`, this.message("PUT", { round: this.round, yes }));
  }

  /* Tells what came of a question: numbers only. Throws Problem. */
  tell({ box, sent, uncertainty }, whole, seconds) {
    return this.send("/asked",
      this.message("POST", { again: box !== null, sent, whole, uncertainty, seconds }));
  }

  message(method, body) {
    const headers = { "Content-Type": "application/json" };
    return { method, headers, body: JSON.stringify({ device: this.device, ...body }) };
  }

  async send(path, request) {
    let response;
    try {
      response = await this.fetch(`phone/rooms/${this.code}${path}`, { cache: "no-store", ...request });
    } catch {
      throw new Problem("The class can't be reached: check the network.");
    }
    if (response.ok) return response;
    let detail = "There is no such class: read the code again.";
    try {
      detail = (await response.json()).detail ?? detail;
    } catch { /* something between */ }
    throw new Problem(detail, response.status === 404 ? "no_room" : "unknown");
  }
}
