/** What a run did with an artifact, or would do. */
export interface Outcome {
  digest: string;
  tags: string[];
  /** More tags than the log names. */
  more: number;
  /** In UTC; "" for never. */
  pushed: string;
  used: string;
  what: "deleted" | "stays" | "gone";
  /** Why it stays, in the server's words. */
  why: string;
}

function timeOf(text: string): string {
  return text ? `${text.replace(" ", "T")}Z` : "";
}

function fateOf(text: string): Pick<Outcome, "what" | "why"> {
  if (text === "DEL") return { what: "deleted", why: "" };
  if (text === "GONE") return { what: "gone", why: "" };
  return { what: "stays", why: text.replace(/^(RETAIN|ERR): /, "") };
}

function outcomeOf(line: string): Outcome | undefined {
  const row = /\| (sha\d+:[0-9a-f]+) \| (.*?) \| [^|]* \| ([^|]*) \| ([^|]*) \| (.*) \|\s*$/.exec(
    line,
  );
  if (!row) return undefined;
  const [, digest = "", names = "", pushed = "", used = "", fate = ""] = row;
  const [listed = "", more] = names.split(" and ");
  return {
    digest,
    tags: listed.split(",").filter(Boolean),
    more: Number.parseInt(more ?? "0", 10) || 0,
    pushed: timeOf(pushed.trim()),
    used: timeOf(used.trim()),
    ...fateOf(fate.trim()),
  };
}

/** The artifacts that a task's log tells of; of one that is told of twice, the last word. */
export function outcomes(log: string): Outcome[] {
  const found = new Map<string, Outcome>();
  for (const line of log.split("\n")) {
    const outcome = outcomeOf(line);
    if (outcome) found.set(outcome.digest, outcome);
  }
  return [...found.values()];
}

/** How many artifacts each rule retains, by its place. */
export function retained(log: string): { place: number; count: number }[] {
  return [...log.matchAll(/rule (\d+) \([^)]*\) retains (\d+)/g)].map(([, place, count]) => ({
    place: Number(place),
    count: Number(count),
  }));
}
