import type { Counts } from "../../ui/Severity";
import { type Rank, rankOf, severities } from "../../ui/Severity";
import type { Vulnerability } from "./queries";

export interface FindingFilter {
  q: string;
  ranks: Rank[];
  /** Only those with a fix. */
  fixable: boolean;
}

/** The findings that a filter lets through. Text is looked for in names, titles and paths. */
export function filtered(all: Vulnerability[], { q, ranks, fixable }: FindingFilter) {
  const text = q.trim().toLowerCase();
  return all.filter(
    (each) =>
      (ranks.length === 0 || ranks.includes(rankOf(each.severity))) &&
      (!fixable || each.fix_version !== "") &&
      (text === "" || textOf(each).includes(text)),
  );
}

function textOf(each: Vulnerability): string {
  const paths = (each.places ?? []).map((place) => place.path ?? "");
  return [each.id, each.package, each.version, each.title ?? "", ...paths].join("\n").toLowerCase();
}

/** A package with its findings, the gravest first. */
export interface Group {
  key: string;
  name: string;
  version: string;
  findings: Vulnerability[];
  counts: Counts;
  /** Versions that fix something, the last one of the list helps with most. */
  fixes: string[];
}

const weight = (each: Vulnerability) => severities.indexOf(rankOf(each.severity));

/** Findings by package, the packages with the gravest findings first. */
export function grouped(all: Vulnerability[]): Group[] {
  const groups = new Map<string, Group>();
  for (const each of all.toSorted((a, b) => weight(a) - weight(b))) {
    const key = `${each.package} ${each.version}`;
    const group = groups.get(key) ?? {
      key,
      name: each.package,
      version: each.version,
      findings: [],
      counts: {},
      fixes: [],
    };
    const rank = rankOf(each.severity);
    group.findings.push(each);
    group.counts[rank] = (group.counts[rank] ?? 0) + 1;
    if (each.fix_version && !group.fixes.includes(each.fix_version)) {
      group.fixes.push(each.fix_version);
    }
    groups.set(key, group);
  }
  return [...groups.values()];
}

export function countsOf(all: Vulnerability[]): Counts {
  const counts: Counts = {};
  for (const each of all) {
    const rank = rankOf(each.severity);
    counts[rank] = (counts[rank] ?? 0) + 1;
  }
  return counts;
}

/** What one report has and the other hasn't. A vulnerability of a package counts once, whatever its version. */
export function compared(here: Vulnerability[], there: Vulnerability[]) {
  const key = (each: Vulnerability) => `${each.id} ${each.package}`;
  const [own, other] = [new Set(here.map(key)), new Set(there.map(key))];
  return {
    onlyHere: here.filter((each) => !other.has(key(each))),
    onlyThere: there.filter((each) => !own.has(key(each))),
    both: here.filter((each) => other.has(key(each))).length,
  };
}
