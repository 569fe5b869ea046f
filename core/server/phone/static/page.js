/* The page: listens, shows, and lets the client ask. Nothing is stored. */

import { Client, Stopped } from "./client.js";
import { Problem } from "./messages.js";
import { opened } from "./photo.js";
import { Room, codeOf, deviceOf } from "./room.js";
import { follow, translator } from "./translate.js";
import { bytes, meter, shares, verdict } from "./words.js";

try { // in the browser's language, if this server has it
  const { code, strings } = await (await fetch("phone/words")).json();
  document.documentElement.lang = code;
  if (code !== "en") follow(document, translator(strings, code));
} catch { /* in English, then */ }

const $ = (id) => document.getElementById(id);
let photo = null, original = 0, chosen = 0, aborter = null, addresses = [];

function show(id, text) {
  $(id).textContent = text;
  $(id).hidden = !text;
}

function complain(error) {
  if (error instanceof Stopped) return show("problem", "");
  if (error.code === "unauthorized") {
    $("secret").hidden = false;
    $("token").focus();
  }
  const known = error instanceof Problem;
  if (!known) console.error(error);
  show("problem", known ? error.message
    : "This browser couldn't finish that: try a smaller photo, or another browser.");
}

/* Another photo, or none: what was said of the one before goes. */
function clear() {
  for (const id of ["result", "sent", "box", "local-part", "second-part"]) $(id).hidden = true;
  show("problem", "");
  addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
}

async function take(file) {
  if (!file) return;
  aborter?.abort();
  const mine = ++chosen;
  clear();
  $("ask").disabled = true;
  $("picture").hidden = true;
  $("status").textContent = "Reading the photo…";
  try {
    const next = await opened(file);
    if (mine !== chosen) return next.close();
    photo?.close();
    [photo, original] = [next, file.size];
    URL.revokeObjectURL($("photo").src);
    $("photo").src = URL.createObjectURL(file);
    $("picture").hidden = false;
    $("ask").disabled = false;
    $("status").textContent = "";
  } catch (error) {
    if (mine !== chosen) return;
    $("status").textContent = "";
    $("ask").disabled = !photo;
    $("picture").hidden = !photo;
    complain(error);
  }
}

/* One button in another's place, with the keyboard's focus if that had it. */
function instead(before, after) {
  const focused = document.activeElement === $(before);
  $(after).hidden = false;
  if (focused) $(after).focus();
  $(before).hidden = true;
}

/* The photo as the client takes it, and each image that is made of it on the page, too. */
function shown(photo) {
  return {
    size: photo.size,
    async image(box, fit, format) {
      const made = await photo.image(box, fit, format);
      const id = box ? "local" : "global", address = URL.createObjectURL(made.blob);
      addresses.push(address);
      $(id).src = address;
      $(`${id}-facts`).textContent = `${box ? "Local" : "Global"} image, ${bytes(made.bytes.length)}`;
      if (box) $("local-part").hidden = false;
      return made;
    },
  };
}

async function ask() {
  clear();
  aborter = new AbortController();
  const { signal } = aborter, begun = performance.now();
  let sent = 0;
  const note = (what) => {
    if (signal.aborted) return;
    if (what.event === "sent") {
      sent += what.bytes;
      $("sent").hidden = false;
      $("meter").textContent = meter(sent, original);
      $("status").textContent = "The server is thinking…";
    } else if (what.event === "again") {
      $("status").textContent = `${what.trouble}: again in ${what.seconds.toFixed(1)} s`;
    } else if (what.event === "box") {
      Object.assign($("box").style, shares(what.box, photo.size));
      $("box").hidden = false;
      tell({ ...what, answer: "…", skipped: null, late: false });
    }
  };
  const client = new Client({ token: $("token").value.trim(), note, signal });
  const eta = async () => (await client.info()).gate?.threshold;
  const tell = async (result) => {
    const limit = await eta();
    if (signal.aborted) return;
    $("verdict").textContent = verdict(result, limit);
    $("verdict").classList.toggle("sure", !result.box && !result.skipped);
    $("first").textContent = result.firstAnswer ?? "(kept by the server)";
    $("second").textContent = result.late ? "(too late)" : result.answer;
    $("second-part").hidden = !result.box;
    $("result").hidden = false;
    $("result").scrollIntoView({ block: "nearest" });
  };
  instead("ask", "stop");
  $("status").textContent = "Making the small picture…";
  try {
    const result = await client.ask(shown(photo), $("question").value);
    await tell(result);
    if (signal.aborted) return;
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    $("result").dataset.result = JSON.stringify({ ...result, sent });
    $("status").textContent = `Answered in ${seconds} s.`;
    if (room && $("share").checked) {
      await room.tell({ ...result, sent }, original, Number(seconds)).catch(
        (problem) => show("class-status", problem.message));
    }
  } catch (error) {
    if (!signal.aborted) $("status").textContent = "";
    if (!signal.aborted || error instanceof Stopped) complain(error);
  } finally {
    if (aborter.signal === signal) {
      aborter = null;
      instead("stop", "ask");
    }
  }
}

for (const id of ["capture", "file"]) {
  $(id).addEventListener("change", () => {
    const [file] = $(id).files;
    $(id).value = ""; // the same photo may be chosen again
    take(file);
  });
}
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (photo && !aborter) ask();
});
$("stop").addEventListener("click", () => {
  aborter?.abort();
  $("status").textContent = "Stopped.";
});

/* A camera in the page: browsers lend it on https only, and this needs no more than the file. */
if (navigator.mediaDevices?.getUserMedia) {
  const ends = () => {
    $("video").srcObject?.getTracks().forEach((track) => track.stop());
    $("video").srcObject = null;
    $("camera").hidden = true;
  };
  $("live").hidden = false;
  $("live").addEventListener("click", async () => {
    if ($("video").srcObject) return ends();
    try {
      const wish = { facingMode: "environment", width: { ideal: 4096 }, height: { ideal: 4096 } };
      $("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: wish });
      $("camera").hidden = false;
    } catch {
      show("problem", "The browser lends no camera: take or choose a photo instead.");
    }
  });
  $("shutter").addEventListener("click", () => {
    const video = $("video"), canvas = document.createElement("canvas");
    if (!video.videoWidth) return;
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    ends();
    canvas.toBlob((blob) => take(blob), "image/jpeg", 0.95);
  });
}

/* The class, if the address names one: its open votes, as buttons that stay as they were pressed. */
const code = codeOf(location.search);
const room = code && new Room(code, deviceOf(code, () => localStorage));
let drawn = "";

function ballot([name, text]) {
  const set = document.createElement("fieldset"), legend = document.createElement("legend");
  const line = document.createElement("div");
  legend.textContent = text;
  line.className = "yes-no";
  for (const yes of [true, false]) {
    const button = document.createElement("button");
    [button.type, button.textContent] = ["button", yes ? "Yes" : "No"];
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", async () => {
      try {
        await room.vote(name, yes);
        for (const other of line.children) other.setAttribute("aria-pressed", String(other === button));
        $("class-status").textContent = "Your vote is counted. It may be changed while this is open.";
      } catch (problem) {
        $("class-status").textContent = problem.message;
      }
    });
    line.append(button);
  }
  set.append(legend, line);
  return set;
}

async function attend() {
  try {
    const { round, open } = await room.now();
    const ballots = Object.entries(open), now = `${round} ${ballots}`;
    if (now !== drawn) {
      drawn = now;
      $("votes").replaceChildren(...ballots.map(ballot));
      $("class-status").textContent = ballots.length ? "The class votes:"
        : "Nothing is voted on now: wait for your teacher.";
    }
  } catch (problem) {
    [drawn, $("class-status").textContent] = ["", problem.message];
    $("votes").replaceChildren();
    if (problem.code === "no_room") return;
  }
  setTimeout(attend, 2000);
}

if (room) {
  $("class").hidden = false;
  attend();
}

try {
  const info = await new Client({ patience: 60 }).info();
  $("server").textContent = `The server runs ${info.model.split("/").at(-1)}.`;
} catch (error) {
  $("server").textContent = "";
  complain(error);
}
