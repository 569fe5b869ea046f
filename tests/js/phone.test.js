import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, Stopped, pauses } from "../../core/server/phone/static/client.js";
import { packed, unpacked } from "../../core/server/phone/static/messages.js";
import { Room, codeOf, deviceOf } from "../../core/server/phone/static/room.js";
import { bytes, meter, shares, verdict } from "../../core/server/phone/static/words.js";

const INFO = {
  model: "m", input_size: [32, 24], fit: "stretch", cell: 1, image_formats: ["png", "jpeg"],
  max_question: 100, deadline: null, gate: { threshold: 0.5 },
};
const ANSWER = { kind: "answer", text: "7", session: "s" };
const REQUEST = { kind: "crop request", session: "s", box: [10, 20, 110, 90] };
const FINAL = { kind: "answer", text: "71", session: null };
const FIRST = { "Second-Look-Uncertainty": "0.9", "Second-Look-First-Answer": "%C2%B5" };

const reply = (message, headers = {}) => new Response(packed(message), { headers });
const problem = (status, code, headers = {}) =>
  new Response(JSON.stringify({ code, detail: `Because ${code}.` }), { status, headers });
const info = (more = {}) => new Response(JSON.stringify({ ...INFO, ...more }));

/* A client whose server does one thing after the other; time passes in pauses only. */
function against(replies, more = {}) {
  const asked = [], notes = [], paused = [];
  let clock = 0;
  const client = new Client({
    note: (what) => notes.push(what),
    now: () => clock,
    async pause(seconds) { paused.push(seconds); clock += seconds; },
    async fetch(path, request) {
      asked.push({ path, ...request });
      const next = replies.length > 1 ? replies.shift() : replies[0];
      if (next instanceof Error) throw next;
      return typeof next === "function" ? next() : next;
    },
    ...more,
  });
  return { client, asked, notes, paused };
}

function photo() {
  const made = [];
  return {
    size: [400, 300], made,
    async image(box, fit, format) {
      made.push({ box, fit, format });
      return { bytes: Uint8Array.of(1, 2, 3), format };
    },
  };
}

test("a sure answer takes one message, and nothing is cut", async () => {
  const { client, asked } = against([info(), reply(ANSWER, { "Second-Look-Uncertainty": "0.1" })]);
  const mine = photo(), result = await client.ask(mine, "  What? ");
  assert.deepEqual(asked.map(({ path }) => path), ["v1/info", "v1/questions"]);
  const sent = asked[1].body, length = new DataView(sent.buffer).getUint32(0);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(sent.subarray(4, 4 + length))), {
    kind: "question", original_size: [400, 300], image_format: "jpeg", question: "What?",
  });
  assert.deepEqual([...sent.subarray(4 + length)], [1, 2, 3]);
  assert.deepEqual(mine.made, [
    { box: null, fit: { how: "stretch", inputSize: [32, 24], cell: 1 }, format: "jpeg" },
  ]);
  assert.equal(result.answer, "7");
  assert.equal(result.firstAnswer, "7");
  assert.equal(result.uncertainty, 0.1);
  assert.equal(result.box, null);
});

test("the box asked for is cut, and both answers are told", async () => {
  const { client, asked, notes } = against([info(), reply(REQUEST, FIRST), reply(FINAL)]);
  const mine = photo(), result = await client.ask(mine, "What?");
  assert.deepEqual(mine.made[1].box, REQUEST.box);
  assert.equal(asked[1].headers.Prefer, "first-answer");
  assert.equal(asked[2].path, "v1/local-images");
  assert.notEqual(asked[1].headers["Idempotency-Key"], asked[2].headers["Idempotency-Key"]);
  assert.deepEqual([result.firstAnswer, result.answer, result.uncertainty], ["µ", "71", 0.9]);
  const sent = notes.filter(({ event }) => event === "sent");
  assert.deepEqual(sent.map((note) => note.bytes), [asked[1].body.length, asked[2].body.length]);
});

test("what fails on the way is sent again: the same bytes under the same key", async () => {
  const away = new TypeError("Failed to fetch");
  const { client, asked, notes, paused } = against([
    info(), away, problem(503, "loading", { "Retry-After": "2" }), new Response("", { status: 502 }),
    reply(ANSWER),
  ]);
  const result = await client.ask(photo(), "What?");
  const tries = asked.slice(1);
  assert.equal(result.answer, "7");
  assert.equal(new Set(tries.map(({ headers }) => headers["Idempotency-Key"])).size, 1);
  assert(tries.every(({ body }) => body === tries[0].body));
  assert.equal(notes.filter(({ event }) => event === "sent").length, 4); // each one left the phone
  assert(paused[1] >= 2 && paused[1] < 3);
});

test("what no second attempt would mend is said at once, in the server's words", async () => {
  for (const [status, code] of [[422, "bad_question"], [401, "unauthorized"], [413, "too_large"]]) {
    const { client, asked } = against([info(), problem(status, code)]);
    await assert.rejects(client.ask(photo(), "What?"), { message: `Because ${code}.`, code });
    assert.equal(asked.length, 2);
  }
});

test("a question the server forgot is asked anew, with a new key, and not for ever", async () => {
  const again = [reply(REQUEST), problem(410, "session_expired")];
  const once = against([info(), ...again, reply(ANSWER)]);
  assert.equal((await once.client.ask(photo(), "What?")).restarts, 1);
  assert.equal(new Set(once.asked.map(({ headers }) => headers["Idempotency-Key"])).size, 4);
  const replies = [info()];
  for (let i = 0; i < 9; i++) replies.push(reply(REQUEST), problem(410, "session_expired"));
  const always = against(replies);
  await assert.rejects(always.client.ask(photo(), "What?"), /again and again/);
  assert.equal(always.asked.length, 1 + 2 * 6);
});

test("patience ends", async () => {
  const { client, paused } = against([info(), () => problem(503, "loading")], { patience: 20 });
  await assert.rejects(client.ask(photo(), "What?"), /No answer in 20 s \(Because loading\)/);
  assert(paused.reduce((sum, pause) => sum + pause) <= 20 && paused.length > 3);
});

test("pauses double up to ten seconds, and never keep step", () => {
  const first = (random, count) => {
    const made = pauses(() => random);
    return Array.from({ length: count }, () => made.next().value);
  };
  assert.deepEqual(first(1, 8), [0.25, 0.5, 1, 2, 4, 8, 10, 10]);
  assert.deepEqual(first(0, 3), [0.125, 0.25, 0.5]);
});

test("on a shared link the first answer stands where the second doesn't come in time", async () => {
  const { client, asked } = against(
    [info({ deadline: 5 }), reply(REQUEST, FIRST), () => problem(503, "busy")]);
  const result = await client.ask(photo(), "What?");
  assert.deepEqual([result.answer, result.late], ["µ", true]);
  assert.equal(asked[1].headers["Second-Look-Waited"], "0.000");
});

test("a server that asks for more than two small images is refused", async () => {
  const large = against([info({ input_size: [5000, 5000] })]);
  await assert.rejects(large.client.ask(photo(), "What?"), /more than may leave this phone/);
  for (const box of [[0, 0, 401, 300], [5, 5, 5, 9], [0.5, 0, 9, 9], [0, 0, 9]]) {
    const outside = against([info(), reply({ ...REQUEST, box })]), mine = photo();
    await assert.rejects(outside.client.ask(mine, "What?"), /isn't in the photo/);
    assert.equal(mine.made.length, 1);
  }
  const twice = against([info(), () => reply(REQUEST)]);
  await assert.rejects(twice.client.ask(photo(), "What?"), /more local images than it said/);
  assert.equal(twice.asked.length, 3);
});

test("a server that says it looks several times gets as many local images", async () => {
  const again = { ...REQUEST, box: [0, 0, 40, 40] };
  const gate = { threshold: 0.5, rounds: [0.4, 0.3] };
  const { client, asked, notes } = against(
    [info({ gate }), reply(REQUEST, FIRST), reply(again, FIRST), reply(FINAL)]);
  const mine = photo(), result = await client.ask(mine, "What?");
  assert.deepEqual(result.boxes, [REQUEST.box, again.box]);
  assert.deepEqual([result.box, result.answer], [again.box, "71"]);
  assert.deepEqual(mine.made.map(({ box }) => box), [null, REQUEST.box, again.box]);
  assert.equal(asked.at(-1).headers.Prefer, "first-answer");
  assert.deepEqual(notes.filter(({ event }) => event === "box").map(({ box }) => box), result.boxes);
  const greedy = against([info({ gate }), () => reply(REQUEST)]);
  await assert.rejects(greedy.client.ask(photo(), "What?"), /more local images than it said/);
  assert.equal(greedy.asked.length, 5);
  const searching = against([info({ looks: 89 }), () => reply(REQUEST)]);
  await assert.rejects(searching.client.ask(photo(), "What?"), /may ask for 89 local images, more/);
  assert.equal(searching.asked.length, 7); // five of them went
});

test("a question that can't be asked sends nothing", async () => {
  for (const question of ["  ", "x".repeat(101)]) {
    const { client, asked } = against([info()]);
    await assert.rejects(client.ask(photo(), question), /question/);
    assert.deepEqual(asked.map(({ path }) => path), ["v1/info"]);
  }
});

test("the login page of a network isn't an answer", async () => {
  const page = against([info(), new Response("<html>Log in")]);
  await assert.rejects(page.client.ask(photo(), "What?"), /log in/);
  const noInfo = against([new Response("<html>Log in")]);
  await assert.rejects(noInfo.client.info(), /log in/);
});

test("stopped, it stops", async () => {
  const aborter = new AbortController();
  const { client, asked } = against(
    [info(), () => { aborter.abort(); throw new TypeError(); }], { signal: aborter.signal });
  await assert.rejects(client.ask(photo(), "What?"), Stopped);
  assert.equal(asked.length, 2);
});

test("a format that both can use is taken, and a token is shown", async () => {
  const { client, asked } = against(
    [info({ image_formats: ["avif", "webp"] }), reply(ANSWER)], { token: "secret" });
  const mine = photo();
  await client.ask(mine, "What?");
  assert.equal(mine.made[0].format, "webp");
  assert.equal(asked[1].headers.Authorization, "Bearer secret");
  const none = against([info({ image_formats: ["avif"] })]);
  await assert.rejects(none.client.ask(photo(), "What?"), /no image format/);
});

test("what isn't a message of the server's is none", () => {
  for (const data of [[], [0, 0, 0, 1], [0, 0, 0, 2, 91, 93], [0, 0, 0, 9, 1]]) {
    assert.throws(() => unpacked(Uint8Array.from(data)));
  }
  for (const header of [{ kind: "answer" }, { kind: "crop request", session: "s" }, null]) {
    assert.throws(() => unpacked(packed(header)));
  }
});

test("numbers are said as people say them", () => {
  assert.deepEqual([0, 999, 1000, 9_040, 9_960, 999_600, 3_400_000].map(bytes),
    ["0 B", "999 B", "1.0 kB", "9.0 kB", "10 kB", "1.0 MB", "3.4 MB"]);
  assert.equal(meter(12_345, 3_400_000), "12 kB of 3.4 MB left this phone");
});

test("the verdict says what the gate did", () => {
  const sure = { uncertainty: 0.123, box: null, skipped: null, late: false };
  assert.equal(verdict(sure, 0.5), "Sure enough (uncertainty 0.12, η 0.5): one look did");
  assert.match(verdict({ ...sure, box: [0, 0, 1, 1] }, 0.5), /^Uncertain .*: it asked/);
  assert.match(verdict({ ...sure, box: [0, 0, 1, 1] }, "-Infinity"), /η −∞/);
  assert.match(verdict({ ...sure, skipped: "late" }, 0.5), /^A closer look would have come too late/);
  assert.match(verdict({ ...sure, box: [0, 0, 1, 1], late: true }, 0.5), /first one stands/);
  assert.equal(verdict({ ...sure, uncertainty: null }, 0.5), "Sure enough: one look did");
});

test("the box lies on the photo in shares of its sides", () => {
  assert.deepEqual(shares([100, 30, 200, 300], [400, 300]),
    { left: "25%", top: "10%", width: "25%", height: "90%" });
});

test("a phone in a class votes and tells numbers, and nothing else", async () => {
  const asked = [];
  const room = new Room("BCDFGH", "0".repeat(32), async (path, request) => {
    asked.push([path, request.method, request.body && JSON.parse(request.body)]);
    return request.method === "GET"
      ? new Response(JSON.stringify({ round: 3, open: { a: "?" } })) : new Response(null, { status: 204 });
  });
  assert.deepEqual(await room.now(), { round: 3, open: { a: "?" } });
  await room.vote("a", true);
  const result = { answer: "COLD", firstAnswer: "CARD", box: [1, 2, 3, 4], sent: 5, uncertainty: 0.5 };
  await room.tell(result, 100, 1.5);
  const device = "0".repeat(32);
  assert.deepEqual(asked.slice(1), [
    ["phone/rooms/BCDFGH/votes/a", "PUT", { device, round: 3, yes: true }],
    ["phone/rooms/BCDFGH/asked", "POST",
      { device, again: true, sent: 5, whole: 100, uncertainty: 0.5, seconds: 1.5 }],
  ]);
});

test("a class that is gone is said, and so is one out of reach", async () => {
  const gone = new Room("BCDFGH", "", async () => problem(404, "no_room"));
  await assert.rejects(gone.now(), { code: "no_room", message: "Because no_room." });
  const away = new Room("BCDFGH", "", async () => { throw new TypeError("network"); });
  await assert.rejects(away.vote("a", true), /check the network/);
});

test("a device votes by one random name a class, kept where it can be", () => {
  const kept = new Map();
  const store = () => ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
  const name = deviceOf("BCDFGH", store);
  assert.match(name, /^[0-9a-f]{32}$/);
  assert.equal(deviceOf("BCDFGH", store), name);
  assert.notEqual(deviceOf("XYZXYZ", store), name);
  assert.match(deviceOf("BCDFGH", () => { throw new Error("no storage"); }), /^[0-9a-f]{32}$/);
});

test("the code of a class is read from the address, or there is none", () => {
  assert.equal(codeOf("?room=bcdfgh"), "BCDFGH");
  for (const none of ["", "?room=", "?room=../../x", "?room=a%20b"]) assert.equal(codeOf(none), null);
});
