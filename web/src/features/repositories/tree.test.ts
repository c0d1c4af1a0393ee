import { expect, it } from "vitest";
import { type Branch, treeOf } from "./tree";

function drawn(branches: Branch<string>[], indent = ""): string[] {
  return branches.flatMap((each) => [
    `${indent}${each.label}${each.leaf ? "" : "/"} ${each.count}`,
    ...drawn(each.below, `${indent}  `),
  ]);
}

const tree = (...names: string[]) => drawn(treeOf(names, (name) => name));

it("parts names at their slashes, in order", () => {
  expect(tree("web", "api/users", "api/orders", "api/orders/worker")).toEqual([
    "api/ 3",
    "  orders 2",
    "    worker 1",
    "  users 1",
    "web 1",
  ]);
});

it("joins parts that nothing branches off", () => {
  expect(tree("a/b/c", "a/b/d", "x/y/z")).toEqual(["a/b/ 2", "  c 1", "  d 1", "x/y/z 1"]);
});

it("has nothing of nothing", () => expect(tree()).toEqual([]));
