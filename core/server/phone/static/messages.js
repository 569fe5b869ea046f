/* The messages edge and server exchange, and their bytes: core/messages.py. Computed only. */

const MAX_HEADER = 65_536; // bytes

/* What can't be asked, or answered; the text is one sentence that says what to do. */
export class Problem extends Error {
  constructor(text, code = "unknown") {
    super(text);
    this.code = code;
  }
}

/* A message in bytes: the length of its header, the header, the image. */
export function packed(header, image = new Uint8Array()) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(4 + text.length + image.length);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, 4);
  bytes.set(image, 4 + text.length);
  return bytes;
}

/* The header of a server's message, which carries no image. Throws Problem. */
export function unpacked(bytes) {
  const foreign = new Problem(
    "Something else came in place of an answer: reload the page, and see whether the network "
      + "wants somebody to log in.");
  if (bytes.length < 4) throw foreign;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (!length || length > MAX_HEADER || length !== bytes.length - 4) throw foreign;
  let header;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(4)));
  } catch {
    throw foreign;
  }
  const answer = header?.kind === "answer" && typeof header.text === "string";
  const request = header?.kind === "crop request" && Array.isArray(header.box)
    && typeof header.session === "string";
  if (!answer && !request) throw foreign;
  return header;
}

/* The question without white space around it. Throws Problem. */
export function checkedQuestion(question, most) {
  const text = question.trim(), length = [...text].length;
  if (!text) throw new Problem("The question is empty: type one.");
  if (length > most) {
    throw new Problem(`The question has ${length} characters: shorten it to ${most}.`);
  }
  return text;
}
