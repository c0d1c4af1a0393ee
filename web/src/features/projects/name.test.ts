import { expect, it } from "vitest";
import { passwordFault } from "../account/password";
import { nameFault } from "./name";

it.each([
  ["a", undefined],
  ["team-1.x_y", undefined],
  ["", "empty"],
  ["Team", "form"],
  ["a--b", "form"],
  ["-a", "form"],
  ["a/b", "form"],
  ["a".repeat(255), undefined],
  ["a".repeat(256), "long"],
])("project name %s: %s", (name, fault) => expect(nameFault(name)).toBe(fault));

it.each([
  ["Abcdefg1", "Abcdefg1", undefined],
  ["Abcdef1", "Abcdef1", "length"],
  ["abcdefg1", "abcdefg1", "upper"],
  ["ABCDEFG1", "ABCDEFG1", "lower"],
  ["Abcdefgh", "Abcdefgh", "digit"],
  ["Abcdefg1", "Abcdefg2", "repeat"],
])("password %s, %s: %s", (password, repeated, fault) => {
  expect(passwordFault(password, repeated)).toBe(fault);
});
