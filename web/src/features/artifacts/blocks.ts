/** A piece of a document: what is needed to read it, and no more. Links and pictures stay as they are written. */
export type Block =
  | { kind: "heading"; text: string }
  | { kind: "code"; text: string }
  | { kind: "list"; items: string[] }
  | { kind: "text"; text: string };

/** Parts Markdown into headings, code, lists and text. It comes from strangers: nothing of it becomes HTML. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const fence = /^\s*(```|~~~)/.exec(line)?.[1];
    if (fence) {
      const end = lines.findIndex((each, index) => index > at && each.trim().startsWith(fence));
      const stop = end < 0 ? lines.length : end;
      blocks.push({ kind: "code", text: lines.slice(at + 1, stop).join("\n") });
      at = stop + 1;
    } else {
      addLine(blocks, line);
      at += 1;
    }
  }
  return blocks.filter((block) => block.kind !== "text" || block.text !== "");
}

function addLine(blocks: Block[], line: string) {
  const last = blocks.at(-1);
  const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
  const item = /^\s*[-*+]\s+(.*)$/.exec(line)?.[1];
  if (heading !== undefined) blocks.push({ kind: "heading", text: heading });
  else if (item !== undefined && last?.kind === "list") last.items.push(item);
  else if (item !== undefined) blocks.push({ kind: "list", items: [item] });
  else if (line.trim() === "") blocks.push({ kind: "text", text: "" });
  else if (last?.kind === "text" && last.text !== "") last.text += `\n${line}`;
  else blocks.push({ kind: "text", text: line });
}
