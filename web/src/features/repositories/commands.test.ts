import { describe, expect, it } from "vitest";
import { isLocal, needsInsecureSetting, pullCommand, pullTools, pushTools } from "./commands";

const titles = { login: "Sign in", tag: "Tag", push: "Push" };
const secure = { name: "registry.example.org", secure: true };
const plain = { name: "10.0.0.7:8080", secure: false };

function commands(host: typeof secure, tool: string) {
  const found = pushTools(host, "team", "alice", titles).find((each) => each.name === tool);
  return found?.steps.map((step) => step.command);
}

describe("push commands", () => {
  it("name this host, the project and the user", () => {
    expect(commands(secure, "docker")).toEqual([
      "docker login registry.example.org -u alice",
      "docker tag my-app:1.0 registry.example.org/team/my-app:1.0",
      "docker push registry.example.org/team/my-app:1.0",
    ]);
  });

  it("say so where a client refuses plain http", () => {
    expect(commands(plain, "podman")?.[2]).toBe(
      "podman push --tls-verify=false 10.0.0.7:8080/team/my-app:1.0",
    );
    expect(commands(plain, "helm")?.[1]).toBe(
      "helm push --plain-http my-chart-1.0.0.tgz oci://10.0.0.7:8080/team",
    );
    expect(commands(secure, "oras")?.join()).not.toContain("plain-http");
  });
});

describe("pull commands", () => {
  const cases: [string, string, string, string][] = [
    ["IMAGE", "v1", "docker", "docker pull registry.example.org/team/a/b:v1"],
    ["IMAGE", "sha256:ab", "docker", "docker pull registry.example.org/team/a/b@sha256:ab"],
    ["CHART", "1.0.0_7", "helm", "helm pull oci://registry.example.org/team/a/b --version 1.0.0+7"],
    ["CHART", "sha256:ab", "helm", "helm pull oci://registry.example.org/team/a/b@sha256:ab"],
    ["SBOM", "v1", "oras", "oras pull registry.example.org/team/a/b:v1"],
  ];
  it.each(cases)("for %s %s by %s", (type, reference, tool, command) => {
    const target = { repository: "team/a/b", reference, type };
    expect(pullTools(secure, target, [{ reference }])[0]?.name).toBe(tool);
    expect(pullCommand(secure, target)).toBe(command);
  });
});

describe("hosts", () => {
  it.each([
    ["127.0.0.1:8080", true],
    ["localhost", true],
    ["[::1]:80", true],
    ["127.example.org", false],
    ["10.0.0.7:8080", false],
  ])("%s is this machine: %s", (name, local) => {
    expect(isLocal({ name, secure: false })).toBe(local);
    expect(needsInsecureSetting({ name, secure: false })).toBe(!local);
    expect(needsInsecureSetting({ name, secure: true })).toBe(false);
  });
});
