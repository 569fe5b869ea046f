import assert from "node:assert/strict";
import { test } from "node:test";

import { decoded } from "../../dashboard/static/save.js";

test("bytes come out of base64 as they went in", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
  assert.deepEqual(decoded(Buffer.from(bytes).toString("base64")), bytes);
  assert.equal(decoded("").length, 0);
});
