// What no client pushes: manifests by hand, with as many tags and as odd fields as a journey needs.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { password, url } from "./browser.mjs";

const authorization = `Basic ${btoa(`admin:${password}`)}`;

export const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  chart: "application/vnd.cncf.helm.config.v1+json",
  chartLayer: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
  empty: "application/vnd.oci.empty.v1+json",
};

const digestOf = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function token(repository) {
  const scope = `repository:${repository}:pull,push`;
  const answer = await fetch(`${url}/service/token?service=harbor-registry&scope=${encodeURIComponent(scope)}`, { headers: { authorization } });
  assert.ok(answer.ok, await answer.clone().text());
  return `Bearer ${(await answer.json()).token}`;
}

/** Pushes a blob, and returns its descriptor. */
export async function blob(repository, mediaType, content) {
  const bytes = Buffer.from(content);
  const headers = { authorization: await token(repository) };
  const begun = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: "POST", headers });
  assert.equal(begun.status, 202, await begun.clone().text());
  const digest = digestOf(bytes);
  const place = new URL(begun.headers.get("Location"), url);
  place.searchParams.set("digest", digest);
  const done = await fetch(place, { method: "PUT", headers: { ...headers, "Content-Type": "application/octet-stream" }, body: bytes });
  assert.equal(done.status, 201, await done.clone().text());
  return { mediaType, digest, size: bytes.length };
}

/** Pushes a manifest by its digest, with tags, and returns its descriptor. */
export async function manifest(repository, document, ...tags) {
  const body = JSON.stringify(document);
  const digest = digestOf(body);
  const headers = { authorization: await token(repository), "Content-Type": document.mediaType };
  const parts = tags.length === 0 ? [[]] : chunks(tags, 100);
  for (const some of parts) {
    const query = some.map((tag) => `tag=${tag}`).join("&");
    const path = some.length === 1 ? some[0] : `${digest}${query && `?${query}`}`;
    const answer = await fetch(`${url}/v2/${repository}/manifests/${path}`, { method: "PUT", headers, body });
    assert.equal(answer.status, 201, await answer.clone().text());
  }
  return { mediaType: document.mediaType, digest, size: body.length };
}

const chunks = (all, size) => Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/** Pushes an image with a layer for each command. */
export async function image(repository, { commands = ["COPY app /app"], annotations, architecture = "amd64", seed = "" }, ...tags) {
  const layers = [];
  for (const command of commands) layers.push(await blob(repository, types.layer, gzipSync(archive("app", seed + command))));
  const config = await blob(
    repository,
    types.config,
    JSON.stringify({
      os: "linux",
      architecture,
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
      history: [...commands.map((command) => ({ created_by: command })), { created_by: `CMD ["/app"] ${seed}`, empty_layer: true }],
    }),
  );
  return manifest(repository, { schemaVersion: 2, mediaType: types.manifest, config, layers, ...(annotations && { annotations }) }, ...tags);
}

/** Pushes an index of images, one for each architecture. */
export async function index(repository, architectures, ...tags) {
  const manifests = [];
  for (const architecture of architectures) {
    const child = await image(repository, { architecture, seed: architecture });
    manifests.push({ ...child, platform: { os: "linux", architecture } });
  }
  return manifest(repository, { schemaVersion: 2, mediaType: types.index, manifests }, ...tags);
}

/** Pushes a chart of these files, and of what says its name. */
export async function chart(repository, name, files, ...tags) {
  const config = await blob(repository, types.chart, JSON.stringify({ name, version: "1.0.0", apiVersion: "v2" }));
  const entries = Object.entries({ "Chart.yaml": `name: ${name}\nversion: 1.0.0\n`, ...files });
  const content = Buffer.concat([...entries.map(([file, text]) => entry(`${name}/${file}`, text)), Buffer.alloc(1024)]);
  const layers = [await blob(repository, types.chartLayer, gzipSync(content))];
  return manifest(repository, { schemaVersion: 2, mediaType: types.manifest, config, layers }, ...tags);
}

const archive = (name, text) => Buffer.concat([entry(name, text), Buffer.alloc(1024)]);

/** One file of a tar archive. */
function entry(name, text) {
  const content = Buffer.from(text);
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write("0000644\0", 100);
  head.write("0000000\0", 108);
  head.write("0000000\0", 116);
  head.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  head.write("00000000000\0", 136);
  head.write("        ", 148);
  head.write("0", 156);
  head.write("ustar\0", 257);
  head.write("00", 263);
  const sum = head.reduce((all, byte) => all + byte, 0);
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
