import { expect, it } from "vitest";
import { changed, demandsOf, parse, requireOf, write } from "./document";

const whole = {
  signers: [{ name: "ci", keys: ["-----BEGIN PUBLIC KEY-----"] }],
  require: { all_of: [{ signed_by: "ci" }, { attestation: { predicate_type: "t", by: "*" } }] },
  signed_before_tag: true,
};

it("reads what it wrote", () => expect(parse(write(whole))).toEqual(whole));

it.each(["", "[]", "null", '{"signers": {}}', '{"signers": [{"keys": "x"}]}', '{"roots": []}'])(
  "takes no %s for a policy",
  (text) => expect(parse(text)).toBeUndefined(),
);

it("shows a flat rule in a form, and leaves a nested one to JSON", () => {
  const demands = demandsOf(whole.require);
  expect(demands?.list.length).toBe(2);
  expect(demands && requireOf(demands)).toEqual(whole.require);
  expect(demandsOf({ all_of: [{ any_of: [{ signed_by: "ci" }] }] })).toBeUndefined();
  expect(demandsOf(undefined)).toEqual({ join: "any_of", list: [] });
  expect(requireOf({ join: "all_of", list: [{ signed_by: "ci" }] })).toEqual({ signed_by: "ci" });
});

it("drops what became nothing", () =>
  expect(changed({ name: "a", keys: ["k"] }, { keys: undefined })).toEqual({ name: "a" }));
