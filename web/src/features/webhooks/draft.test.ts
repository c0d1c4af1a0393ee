import { expect, it } from "vitest";
import {
  addressFault,
  bodyOfDraft,
  draftOf,
  isForeign,
  isGood,
  newDraft,
  newSigning,
  signingFault,
} from "./draft";

it.each([
  ["https://ci.example.com/hook?x=1", undefined],
  ["http://127.0.0.1:8080", undefined],
  ["", "empty"],
  ["ci.example.com/hook", "form"],
  ["ftp://ci.example.com", "form"],
  ["https:ci.example.com", "form"],
  ["https://me:secret@ci.example.com", "credentials"],
])("address %s: %s", (address, fault) => expect(addressFault(address)).toBe(fault));

it.each([
  ["", undefined],
  ["whsec_not base64", "form"],
  ["whsec_c2hvcnQ=", "length"],
  [`whsec_${"A".repeat(32)}`, undefined],
])("signing secret %s: %s", (secret, fault) => expect(signingFault(secret)).toBe(fault));

it("makes secrets that the server takes", () => {
  expect(signingFault(newSigning())).toBeUndefined();
  expect(newSigning()).not.toBe(newSigning());
});

const stored = {
  name: "build",
  enabled: true,
  event_types: ["PUSH_ARTIFACT"],
  targets: [
    {
      type: "http",
      address: "https://ci.example.com/a",
      auth_header: "*****",
      signing_secret: "*****",
    },
  ],
};

it("keeps secrets that nobody touched, and takes away those that somebody did", () => {
  const draft = draftOf(stored);
  expect(bodyOfDraft(draft).targets?.[0]).toMatchObject({
    auth_header: "*****",
    signing_secret: "*****",
  });
  const [target] = draft.targets;
  if (!target) throw new Error("no target");
  const bare = {
    ...target,
    auth: { ...target.auth, keep: false },
    signing: { ...target.signing, keep: false },
  };
  const sent = bodyOfDraft({ ...draft, targets: [bare] }).targets?.[0];
  expect(sent?.auth_header).toBeUndefined();
  expect(sent?.signing_secret).toBe("");
});

it("wants a secret again for another host, and for no other path", () => {
  const [target] = draftOf(stored).targets;
  if (!target) throw new Error("no target");
  expect(isForeign({ ...target, address: "https://ci.example.com/b" })).toBe(false);
  expect(isForeign({ ...target, address: "https://other.example.com/a" })).toBe(true);
});

it("is good with a name, an event and an address", () => {
  const draft = newDraft();
  expect(isGood(draft)).toBe(false);
  const [target] = draft.targets;
  if (!target) throw new Error("no target");
  const whole = { ...draft, name: "a", targets: [{ ...target, address: "https://a.example" }] };
  expect(isGood(whole)).toBe(true);
  expect(isGood({ ...whole, events: [] })).toBe(false);
});
