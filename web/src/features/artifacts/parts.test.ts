import { describe, expect, it } from "vitest";
import { plain } from "../../ui/plain";
import { blocksOf } from "./blocks";
import { layerRows, shares } from "./layerRows";
import type { Artifact, Layer } from "./queries";
import { sumOf, tagRows } from "./rows";
import { tagFault } from "./tagName";

const layer = (size: number): Layer => ({ digest: `sha256:${size}`, media_type: "layer", size });

describe("layers", () => {
  it("belong to the steps that made them", () => {
    const history = JSON.stringify([
      { created_by: "ADD base" },
      { created_by: "ENV a=b", empty_layer: true },
      { created_by: "RUN make" },
    ]);
    const rows = layerRows([layer(3), layer(4)], history);
    expect(rows.map((row) => [row.command, row.layer?.size])).toEqual([
      ["ADD base", 3],
      ["ENV a=b", undefined],
      ["RUN make", 4],
    ]);
  });

  it("stand alone where the steps don't fit them, or are no steps", () => {
    for (const history of [
      "[]",
      "{",
      "null",
      '[{"created_by":"x"},{"created_by":"y"}]',
      undefined,
    ]) {
      const [row] = layerRows([layer(3)], history);
      expect([row?.command, row?.layer?.size]).toEqual([undefined, 3]);
    }
  });

  it("have their part of a hundred", () => {
    expect(shares([1, 3])).toEqual([25, 75]);
    expect(shares([0, 0])).toEqual([50, 50]);
  });
});

describe("a README", () => {
  it("becomes headings, code, lists and text, and nothing else", () => {
    const text = "# <b>One</b>\n\ntext\nmore\n- a\n- [b](javascript:x)\n```sh\n# no heading\n```\n";
    expect(blocksOf(text)).toEqual([
      { kind: "heading", text: "<b>One</b>" },
      { kind: "text", text: "text\nmore" },
      { kind: "list", items: ["a", "[b](javascript:x)"] },
      { kind: "code", text: "# no heading" },
    ]);
  });

  it("may have a fence without an end", () => {
    expect(blocksOf("~~~\nrest")).toEqual([{ kind: "code", text: "rest" }]);
  });
});

describe("a text of strangers", () => {
  it("shows what is hidden in it", () => {
    expect(plain("a\u202eb\u200b\u0007\n\tc")).toBe("a‹U+202E›b‹U+200B›‹U+0007›\n\tc");
    expect(plain("größer 漢字 ✓")).toBe("größer 漢字 ✓");
  });
});

describe("chosen rows", () => {
  it("are summed up by artifact", () => {
    const tags = (...names: string[]) => names.map((name) => ({ name, immutable: false }));
    const artifacts = [
      { digest: "sha256:a", size: 5, tags: tags("1", "2", "3") },
      { digest: "sha256:b", size: 7, tags: null },
    ] as unknown as Artifact[];
    const rows = tagRows(artifacts, "size").filter((row) => row.tag?.name !== "3");
    const sum = sumOf(rows);
    expect([sum.tags.length, sum.artifacts.length, sum.allTags, sum.bytes]).toEqual([2, 2, 3, 12]);
  });
});

it.each([
  ["1.0", false],
  ["_x", false],
  ["-x", true],
  ["", true],
  ["a b", true],
  ["x".repeat(129), true],
])("the name %s of a tag is wrong: %s", (name, wrong) => expect(tagFault(name)).toBe(wrong));
