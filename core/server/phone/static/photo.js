/* A photo of this phone's: read in strips, and never sent but as the two images of the protocol. */

import { region, size } from "./fit.js";
import { Problem } from "./messages.js";
import { resized } from "./resample.js";

const QUALITY = 0.75; // of JPEG and WebP, as core.imaging.Codec has it

/* The photo in a file, upright as its EXIF says. Throws Problem. */
export async function opened(file) {
  const picture = await decoded(file);
  return {
    size: [picture.width, picture.height],
    image: (box, fit, format) => image(picture, box, fit, format),
    close: () => picture.close?.(),
  };
}

/* Decoded once where the browser can keep that; else as an element, drawn upright as well. */
async function decoded(file) {
  if (typeof createImageBitmap === "function") {
    try {
      return await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch { /* an older browser, or not a photo: the element tells them apart */ }
  }
  const element = new Image(), url = URL.createObjectURL(file);
  element.src = url;
  try {
    await element.decode();
  } catch {
    throw new Problem("This browser can't read that photo: choose a JPEG or PNG file.");
  } finally {
    URL.revokeObjectURL(url);
  }
  return element; // width and height: its own, as it isn't on the page
}

/* All of a picture, or a box of it, as a file at the size the model takes. */
async function image(picture, box, fit, format) {
  const [left, top, right, bottom] = box ?? [0, 0, picture.width, picture.height];
  const full = [right - left, bottom - top], target = size(fit, full);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  const source = {
    size: full,
    rows(from, to) {
      const height = to - from;
      [canvas.width, canvas.height] = [full[0], height]; // which clears it, too
      context.fillStyle = "white";
      context.fillRect(0, 0, full[0], height);
      context.drawImage(picture, left, top + from, full[0], height, 0, 0, full[0], height);
      return context.getImageData(0, 0, full[0], height).data;
    },
  };
  const small = resized(source, target, region(fit, full));
  [canvas.width, canvas.height] = target;
  const pixels = context.createImageData(...target);
  for (let i = 0, j = 0; i < small.data.length; i += 3, j += 4) {
    pixels.data.set([small.data[i], small.data[i + 1], small.data[i + 2], 255], j);
  }
  context.putImageData(pixels, 0, 0);
  const type = `image/${format}`;
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
  if (blob?.type !== type) {
    throw new Problem(`The server takes ${format} only, which this browser can't write.`);
  }
  return { bytes: new Uint8Array(await blob.arrayBuffer()), format, blob };
}
