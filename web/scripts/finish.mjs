// After the build: holds the budget of the first load and writes compressed copies.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

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
const texts = lazy.filter((key) => key.endsWith(".po"));
const pages = lazy.filter((key) => !key.endsWith(".po"));
const largestText = texts.sort((a, b) => gzipSize([b]) - gzipSize([a]))[0];

let heaviest = { page: "", bytes: 0 };
for (const page of pages) {
  const keys = closure(page, closure(largestText, closure(entry)));
  const bytes = gzipSize(keys) + boot;
  if (bytes > heaviest.bytes) heaviest = { page, bytes };
}
const line = `first load: ${heaviest.bytes} bytes of script, gzip (${heaviest.page}); budget ${budget}`;
if (heaviest.bytes > budget) {
  console.error(`${line}: over the budget`);
  process.exit(1);
}
console.log(line);

for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (!/\.(js|css|svg)$/.test(name) || !statSync(path).isFile()) continue;
  const bytes = readFileSync(path);
  if (bytes.length < 1024) continue;
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }));
}
