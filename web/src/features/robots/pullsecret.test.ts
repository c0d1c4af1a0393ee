import { expect, it } from "vitest";
import { createCommand, loginCommand, secretFile, secretName } from "./pullsecret";

const login = { host: "reg.example.org:8443", name: "robot$shop+ci", secret: "It's1" };

it("names a secret as Kubernetes allows", () => {
  expect(secretName("robot$shop+ci")).toBe("robot-shop-ci");
  expect(secretName("$A_b.")).toBe("a-b");
  expect(secretName("$$")).toBe("haven");
  expect(secretName(`a${"-".repeat(3)}${"b".repeat(80)}`).length).toBeLessThanOrEqual(63);
});

it("quotes what a shell would change", () => {
  expect(createCommand(login)).toBe(
    "kubectl create secret docker-registry robot-shop-ci --docker-server=reg.example.org:8443 " +
      "--docker-username='robot$shop+ci' --docker-password='It'\\''s1'",
  );
  expect(loginCommand(login)).toBe(
    "echo 'It'\\''s1' | docker login reg.example.org:8443 -u 'robot$shop+ci' --password-stdin",
  );
});

it("writes the file that a cluster reads", () => {
  const file = secretFile(login);
  expect(file).toContain("type: kubernetes.io/dockerconfigjson");
  const data = /\.dockerconfigjson: (\S+)/.exec(file)?.[1] ?? "";
  expect(JSON.parse(atob(data))).toEqual({
    auths: {
      "reg.example.org:8443": {
        username: "robot$shop+ci",
        password: "It's1",
        auth: btoa("robot$shop+ci:It's1"),
      },
    },
  });
});
