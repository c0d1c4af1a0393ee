import { describe, expect, it } from "vitest";
import { readDocument } from "./document";

describe("a policy", () => {
  it("is an object of JSON", () => {
    expect(readDocument('{"signers":[{"name":"ci"}]}')).toEqual({
      document: { signers: [{ name: "ci" }] },
    });
    expect(readDocument("[]")).toHaveProperty("fault");
  });

  it("that is none says in which line", () => {
    const read = readDocument('{\n  "signers": [\n    oops\n  ]\n}');
    expect(read).toHaveProperty("fault");
    expect("line" in read && (read.line === undefined || read.line === 3)).toBe(true);
  });
});
