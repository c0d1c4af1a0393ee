import { expect, it, vi } from "vitest";
import { guardedFetch } from "./guard";
import { asProblem, problemFrom } from "./problem";

const address = "http://registry.example.org/api/v2.0/projects";

function post() {
  return new Request(address, { method: "POST", body: "{}" });
}

it("sends the last token with what changes something, and only there", async () => {
  const sent: (string | null)[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    sent.push(request.headers.get("X-Harbor-CSRF-Token"));
    return new Response("", { headers: { "X-Harbor-CSRF-Token": `token-${sent.length}` } });
  });
  await guardedFetch(new Request(address));
  await guardedFetch(post());
  await guardedFetch(new Request(address));
  await guardedFetch(post());
  expect(sent).toEqual([null, "token-1", null, "token-3"]);
});

it("tries once more with the token of a refusal, and no more", async () => {
  const bodies: string[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    bodies.push(await request.text());
    return new Response('{"errors":[{"code":"FORBIDDEN","message":"CSRF token invalid"}]}', {
      status: 403,
      headers: { "X-Harbor-CSRF-Token": "fresh" },
    });
  });
  expect((await guardedFetch(post())).status).toBe(403);
  expect(bodies).toEqual(["{}", "{}"]);
});

it("does not repeat what was refused for another reason", async () => {
  let calls = 0;
  vi.stubGlobal("fetch", async () => {
    calls++;
    return new Response('{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}', { status: 403 });
  });
  await guardedFetch(post());
  expect(calls).toBe(1);
});

it("reads a problem from any answer", async () => {
  const known = await problemFrom(
    new Response('{"errors":[{"code":"CONFLICT","message":"taken"}]}', {
      status: 409,
      headers: { "X-Request-Id": "id-1" },
    }),
  );
  expect(known).toMatchObject({
    status: 409,
    code: "CONFLICT",
    message: "taken",
    requestId: "id-1",
  });
  expect(await problemFrom(new Response("<html>", { status: 502 }))).toMatchObject({ status: 502 });
  expect(asProblem(new TypeError("Failed to fetch"))).toMatchObject({ status: 0, code: "NETWORK" });
});
