// The registry as its other clients meet it: what a journey needs to be there before a page is opened.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { host, password, url } from "./browser.mjs";

/** Asks the API, as the administrator when nobody else is named. */
export async function ask(method, path, body, [name, secret] = ["admin", password]) {
  const answer = await fetch(url + path, {
    method,
    headers: { "Content-Type": "application/json", Authorization: `Basic ${btoa(`${name}:${secret}`)}` },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer;
}

/** What the API answers to a GET. */
export async function read(path) {
  return (await ask("GET", path)).json();
}

/** Makes a project, for its name. */
export async function newProject(name, more = {}) {
  await ask("POST", "/api/v2.0/projects", { project_name: name, metadata: { public: "false" }, ...more });
  return name;
}

export const secret = "Person-test-12345";

const roles = { admin: 1, developer: 2, guest: 3, maintainer: 4, limited: 5 };

/** Makes an account, and a member of a project where one is named. Its password is `secret`. */
export async function newPerson(name, project, role) {
  await ask("POST", "/api/v2.0/users", { username: name, email: `${name}@example.com`, realname: name, password: secret });
  if (project) {
    await ask("POST", `/api/v2.0/projects/${project}/members`, { role_id: roles[role], member_user: { username: name } });
  }
  return name;
}

/** Pushes an image of two layers, as `project/repository:tag`. */
export function push(reference) {
  const crane = (...args) => execFileSync(process.env.CRANE, args, { stdio: "pipe" });
  crane("auth", "login", host, "-u", "admin", "-p", password);
  crane("push", process.env.PORTAL_IMAGE, `${host}/${reference}`);
}

export function cosign(...args) {
  const env = { ...process.env, COSIGN_PASSWORD: "" };
  return execFileSync(process.env.COSIGN, args, { stdio: "pipe", env, cwd: process.env.DOCKER_CONFIG });
}

/** Makes a key, and returns what signs an image by it. */
export function sign(key, image) {
  cosign("generate-key-pair", "--output-key-prefix", key);
  const local = ["--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry"];
  return () => cosign("sign", "--yes", "--key", `${key}.key`, ...local, image);
}
