// Small images that differ, pushed as clients do.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { password, url } from "./browser.mjs";

async function send(method, address, body, type = "application/octet-stream") {
  const headers = { Authorization: `Basic ${btoa(`admin:${password}`)}`, "Content-Type": type };
  const answer = await fetch(new URL(address, url), { method, body, headers });
  assert.ok(answer.ok, `${method} ${address}: ${answer.status} ${await answer.clone().text()}`);
  return answer;
}

async function blob(repository, text, mediaType) {
  const bytes = Buffer.from(text);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const begun = await send("POST", `/v2/${repository}/blobs/uploads/`);
  const place = new URL(begun.headers.get("Location"), url);
  place.searchParams.set("digest", digest);
  await send("PUT", place, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Pushes an image that no other has the digest of, as `project/repository:tag`; for its digest. */
export async function pushImage(reference) {
  const [repository, tag] = reference.split(":");
  const config = JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [] }, author: reference });
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: await blob(repository, config, "application/vnd.oci.image.config.v1+json"),
    layers: [await blob(repository, `the files of ${reference}`, "application/vnd.oci.image.layer.v1.tar")],
  };
  const put = await send("PUT", `/v2/${repository}/manifests/${tag}`, JSON.stringify(manifest), manifest.mediaType);
  return put.headers.get("Docker-Content-Digest");
}
