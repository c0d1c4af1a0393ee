// After the build: holds the budget of the first load and writes compressed copies.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { parts } from "./parts.mjs";

const dist = new URL("../../internal/portal/dist/", import.meta.url).pathname;
const budget = 250_000; // bytes of script, gzip, that the heaviest first page loads
const manifest = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
rmSync(join(dist, "manifest.json"));

/** The script files that a chunk needs before it runs. */
function closure(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) closure(next, seen);
  return seen;
}

function gzipSize(keys) {
  const files = new Set([...keys].map((key) => manifest[key].file));
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0);
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const boot = gzipSync(readFileSync(join(dist, "boot.js"))).length;
const lazy = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry);
const texts = lazy.filter((key) => key.includes(".po"));
const pages = lazy.filter((key) => !key.includes(".po"));
const all = parts();

/** The texts that a page comes with, in the language that has the longest. */
function textsOf(page) {
  const own = [...all.keys()].filter(
    (part) => part === "main" || (all.get(part).has(page) && !all.get("main").has(page)),
  );
  const [first] = own.slice(1); // a module of several parts comes with one of them
  return ["main", ...(first ? [first] : [])].map((part) => {
    const found = texts.filter((key) => key.endsWith(`.po?part=${part}`));
    if (found.length === 0) throw new Error(`there are no texts of the part ${part}`);
    return found.sort((a, b) => gzipSize([b]) - gzipSize([a]))[0];
  });
}

const loads = pages.map((page) => {
  const keys = closure(page, closure(entry));
  for (const text of textsOf(page)) closure(text, keys);
  return { page, bytes: gzipSize(keys) + boot };
});
loads.sort((a, b) => b.bytes - a.bytes);
const heavy = loads.filter(({ bytes }) => bytes > budget);
if (heavy.length > 0) {
  console.error(`over the budget of ${budget} bytes of script, gzip, at the first load:`);
  for (const { page, bytes } of heavy) console.error(`  ${bytes} ${page}`);
  process.exit(1);
}
const [{ page, bytes }] = loads;
console.log(`first load: ${bytes} bytes of script, gzip (${page}); budget ${budget}`);

for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (!/\.(js|css|svg)$/.test(name) || !statSync(path).isFile()) continue;
  const bytes = readFileSync(path);
  if (bytes.length < 1024) continue;
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
}
