import { describe, expect, it } from "vitest";
import { browserName } from "../account/browser";
import { kindOf, lines } from "../account/rights";
import { placesFor } from "../robots/rights";
import { changesOf } from "./settings";
import { outcomes } from "./signin/steps";
import { claimsOf } from "./workloads/claims";
import { blank, draftOf, isReady } from "./workloads/draft";

describe("settings", () => {
  it("are sent in the server's types, and only what differs", () => {
    const settings = {
      session_timeout: { value: 60, editable: true },
      self_registration: { value: false, editable: true },
      ldap_url: { value: "", editable: true },
    };
    const typed = {
      session_timeout: "61",
      self_registration: false,
      ldap_url: "",
      ldap_search_password: "secret",
    };
    expect(changesOf(typed, settings)).toEqual({
      session_timeout: 61,
      ldap_search_password: "secret",
    });
  });
});

describe("the test of a directory", () => {
  it.each([
    ["the server refuses the connection: nothing listens at the address in ldap_url", "address"],
    ["the server does not speak TLS on this port: use ldap:// (389)", "encryption"],
    ["the server refuses the search account: ldap_search_dn is wrong", "account"],
    ["the base is not found: ldap_base_dn names nothing in the directory", "base"],
  ])("ends where the server says: %s", (message, step) => {
    const found = Object.entries(outcomes(false, message));
    expect(found.find(([, outcome]) => outcome === "failed")?.[0]).toBe(step);
    expect(found.slice(found.findIndex(([name]) => name === step) + 1).map(([, o]) => o)).toEqual(
      Array(found.length - 1 - found.findIndex(([name]) => name === step)).fill("untried"),
    );
  });

  it("goes well at every step when the server says so", () => {
    expect(new Set(Object.values(outcomes(true, "")))).toEqual(new Set(["done"]));
  });
});

const offered = [
  { resource: "repository", action: "pull" },
  { resource: "repository", action: "push" },
  { resource: "artifact", action: "read" },
  { resource: "member", action: "list" },
];

describe("rights", () => {
  it("are told in a word, or line by line", () => {
    expect(kindOf([{ resource: "*", action: "*" }])).toBe("everything");
    expect(kindOf([{ resource: "repository", action: "push" }])).toBe("push");
    expect(kindOf([{ resource: "member", action: "list" }])).toBe("some");
    expect(lines(offered)[0]).toBe("repository: pull, push");
  });
});

describe("claims", () => {
  it("are read from a token, from JSON, and from nothing else", () => {
    const body = btoa(JSON.stringify({ sub: "a" })).replaceAll("=", "");
    expect(claimsOf(`e30.${body}.sig`)).toEqual({ sub: "a" });
    expect(claimsOf(' {"sub": "b"} ')).toEqual({ sub: "b" });
    expect(claimsOf("hello")).toBeUndefined();
    expect(claimsOf("[1]")).toBeUndefined();
  });
});

describe("a policy", () => {
  it("of a project grants rights there only", () => {
    const typed = {
      ...blank("team"),
      name: "ci",
      issuer: "https://ci.example.com",
      condition: "true",
    };
    const draft = draftOf(typed, placesFor(typed.project, typed.places, offered));
    expect(draft.permissions.map(({ namespace }) => namespace)).toEqual(["team"]);
    expect(isReady(draft)).toBe(true);
    expect(isReady({ ...draft, life_minutes: 61 })).toBe(false);
  });
});

describe("a browser", () => {
  it("has a name that people know", () => {
    const agent =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    expect(browserName(agent)).toBe("Chrome 130, Linux");
    expect(browserName("curl/8.5.0")).toBe("curl/8.5.0");
  });
});
