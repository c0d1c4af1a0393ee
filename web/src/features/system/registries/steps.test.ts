import { describe, expect, it } from "vitest";
import { failedStep } from "./steps";

describe("a test that failed", () => {
  it.each([
    ["the registry is unhealthy: a.invalid: the name a.invalid is not known", "name"],
    ["the registry is unhealthy: 127.0.0.1: nothing listens there", "connection"],
    ["the registry is unhealthy: 127.0.0.1: it doesn't speak TLS", "certificate"],
    [
      "the registry is unhealthy: x: its certificate is signed by an unknown authority",
      "certificate",
    ],
    [
      "the registry is unhealthy: the registry doesn't allow it: the access key or secret is wrong",
      "access",
    ],
    ["the registry is unhealthy: it is no registry: it has no /v2/ (404)", "registry"],
    ["url: expected an http or https address of at most 1024 bytes", "address"],
  ])("%s", (message, step) => expect(failedStep(message)).toBe(step));
});
