import { describe, expect, it } from "vitest";
import { instanceName } from "./instance";

describe("the name of an instance", () => {
  it.each([
    ["kraken my-peers-http://10.0.0.1:15003", "my-peers"],
    ["dragonfly peers-https://peers.example.org", "peers"],
    ["something else", "something else"],
    ["", ""],
  ])("%s", (provider, name) => expect(instanceName({ provider })).toBe(name));
});
