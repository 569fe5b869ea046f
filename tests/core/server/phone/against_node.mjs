/* Answers for the Python tests: one JSON line in, one out. */
import { createInterface } from "node:readline";

const STATIC = "../../../../core/server/phone/static";
const { region, size, inside } = await import(`${STATIC}/fit.js`);
const { packed, unpacked } = await import(`${STATIC}/messages.js`);
const { resized } = await import(`${STATIC}/resample.js`);

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const answers = {
  fit: ({ fit, original }) => ({ size: size(fit, original), region: region(fit, original) }),
  inside: ({ box, original }) => inside(box, original),
  packed: ({ header, image }) => base64(packed(header, Buffer.from(image, "base64"))),
  unpacked: ({ bytes }) => unpacked(new Uint8Array(Buffer.from(bytes, "base64"))),
  pixels({ fit, original, rgba }) {
    const all = Buffer.from(rgba, "base64"), row = 4 * original[0];
    const rows = (from, to) => all.subarray(from * row, to * row);
    const image = resized({ size: original, rows }, size(fit, original), region(fit, original));
    return { size: image.size, rgb: base64(image.data) };
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...given } = JSON.parse(line);
  console.log(JSON.stringify(answers[what](given)));
}
