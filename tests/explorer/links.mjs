// Writes and reads links: {page, changes, texts} on standard input; on standard output the text of
// the changed start, what it is read as, and for each of the texts what it is refused with.

import { readFileSync } from "node:fs";
import { read, start, write } from "../../gen_models/explorer/page/link.js";

const { page, changes, texts } = JSON.parse(readFileSync(0));
const shown = { ...start(page), ...changes };
if (shown.ink) shown.ink = Uint8Array.from(shown.ink);
const text = write(page, shown);
const again = read(page, text);
if (again.ink) again.ink = Array.from(again.ink);
const refused = texts.map((wrong) => {
  try {
    read(page, wrong);
    return null;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
});
process.stdout.write(JSON.stringify({ start: write(page, start(page)), text, again, refused }));
