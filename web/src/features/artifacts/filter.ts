/** What a filter text says: what the server can look for, the labels to be found by name, and what it can't. */
export interface Filter {
  /** Parts of the API's `q`, without the labels, whose numbers have to be known first. */
  parts: string[];
  labels: string[];
  /** Parts of names of tags: of an artifact's tags only those that have them are meant. */
  names: string[];
  /** Words that this list can't be filtered by. */
  unknown: string[];
  /** Artifacts without a tag are looked for too, or alone. */
  untagged: boolean;
}

const words: Record<string, (value: string, now: Date) => string | undefined> = {
  type: (value) => `type=${encodeURIComponent(value.toUpperCase())}`,
  signed: (value) => truth(value, "signed=true", "signed=false"),
  tagged: (value) => truth(value, "tags=*", "tags=nil"),
  pushed: (value, now) => span("push_time", value, now),
  pulled: (value, now) => span("pull_time", value, now),
  digest: (value) => `digest=~${encodeURIComponent(value.replace(/^sha256:/, ""))}`,
};

/** The words that a filter knows, as they are offered. */
export const filterWords = [
  "type:",
  "signed:",
  "tagged:",
  "label:",
  "pushed:",
  "pulled:",
  "digest:",
];

function truth(value: string, yes: string, no: string): string | undefined {
  if (value === "yes") return yes;
  return value === "no" ? no : undefined;
}

const seconds: Record<string, number> = {
  h: 3600,
  d: 86_400,
  w: 604_800,
  m: 2_592_000,
  y: 31_536_000,
};

/** `<7d`: less than seven days ago; `>7d`: longer ago. */
function span(key: string, value: string, now: Date): string | undefined {
  const found = /^([<>])(\d{1,5})([hdwmy])$/.exec(value);
  if (!found?.[3]) return undefined;
  const ago = Number(found[2]) * (seconds[found[3]] ?? 0) * 1000;
  const at = new Date(now.getTime() - ago).toISOString().slice(0, 19);
  const time = encodeURIComponent(at);
  return found[1] === "<" ? `${key}=[${time}~]` : `${key}=[~${time}]`;
}

/** Reads a filter text: words with a colon, and parts of names of tags. */
export function readFilter(text: string, now: Date): Filter {
  const filter: Filter = { parts: [], labels: [], names: [], unknown: [], untagged: false };
  for (const word of text.replaceAll(",", " ").split(/\s+/).filter(Boolean)) {
    const [, key, value] = /^([a-z]+):(.+)$/.exec(word) ?? [];
    if (key === "label" && value) {
      filter.labels.push(value);
      continue;
    }
    const part = key && value ? words[key]?.(value, now) : `tags=~${encodeURIComponent(word)}`;
    if (!key) filter.names.push(word);
    if (part) filter.parts.push(part);
    else filter.unknown.push(word);
    if (key === "digest" || part === "tags=nil") filter.untagged = true;
  }
  return filter;
}

/** The API's `q` for a filter, with the numbers of its labels. Tags are demanded unless it says otherwise. */
export function queryOf(filter: Filter, labels: number[], untagged: boolean): string | undefined {
  const parts = [...filter.parts];
  if (labels.length > 0) parts.push(`labels=(${labels.join(" ")})`);
  const tags = parts.some((part) => part.startsWith("tags="));
  if (!tags && !untagged && !filter.untagged) parts.push("tags=*");
  return parts.join(",") || undefined;
}
