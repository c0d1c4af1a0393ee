import { expect, it } from "vitest";
import { written } from "./description";

it("is read as it was written, and stays so when it is saved again", () => {
  expect(written("a &lt;b&gt; &amp; &#34;c&#34; it&#39;s")).toBe(`a <b> & "c" it's`);
  expect(written("&amp;lt;")).toBe("&lt;");
  expect(written("&nbsp; & &#60;")).toBe("&nbsp; & &#60;");
});
