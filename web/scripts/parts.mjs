// The texts of the portal come in parts, so that who opens one page doesn't load the words of all. What pages are in a part, the
// routes say: laterPage("part", () => import("page")). A part has the texts of the modules that its pages import; what is
// reached otherwise is in the part `main`, which is loaded first.
import { existsSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

const root = new URL("../", import.meta.url).pathname;
const later = /laterPage\(\s*"(\w+)",\s*\(\)\s*=>\s*import\(\s*"([^"]+)"\s*\)/g;
const imported = /(?:from|import|import\()\s*"(\.[^"]+)"/g;

function fileOf(from, name) {
  const path = resolve(dirname(from), name);
  return [`${path}.ts`, `${path}.tsx`, `${path}/index.ts`, path].find((each) => existsSync(each));
}

function isCode(file) {
  return file !== undefined && /\.tsx?$/.test(file);
}

/** Adds to `seen` what a file imports, itself included, and the pages of later parts to `pages`. */
function walk(file, seen, pages) {
  if (seen.has(file)) return;
  seen.add(file);
  let code = readFileSync(file, "utf8");
  for (const [, part, name] of code.matchAll(later)) pages.push([part, fileOf(file, name)]);
  code = code.replaceAll(later, "");
  for (const [, name] of code.matchAll(imported)) {
    const next = fileOf(file, name);
    if (isCode(next)) walk(next, seen, pages);
  }
}

/** The modules of each part, by their paths from the folder web. */
export function parts() {
  const pages = [];
  const main = new Set();
  walk(resolve(root, "src/main.tsx"), main, pages);
  const found = new Map([["main", main]]);
  for (const [part, page] of pages) {
    if (!found.has(part)) found.set(part, new Set());
    walk(page, found.get(part), []);
  }
  const short = (files) => new Set([...files].map((file) => relative(root, file)));
  return new Map([...found].map(([part, files]) => [part, short(files)]));
}

/** Whether a message with these origins belongs to a part. One that no part has is in `main`. */
export function belongs(origins, part, all) {
  const within = (name) => origins.some((file) => all.get(name)?.has(file));
  if (part !== "main") return within(part) && !within("main");
  return within("main") || ![...all.keys()].some(within);
}
