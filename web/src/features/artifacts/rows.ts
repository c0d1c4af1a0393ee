import type { Artifact, Tag } from "./queries";

/** A line of the tag list: a tag with what it names, or an artifact that no tag names. */
export interface TagRow {
  artifact: Artifact;
  tag?: Tag;
  /** When the tag was set, or the artifact pushed, as the API writes times. */
  pushed: string;
}

/** The rows of pages that are there already: while more come, those stay what they are. */
const known = new WeakMap<Artifact[], { sort: string; rows: TagRow[] }>();

/** One row for each tag, the one set last first; untagged artifacts stand by their push. */
export function tagRows(artifacts: Artifact[], sort = "-push_time"): TagRow[] {
  const before = known.get(artifacts);
  if (before?.sort === sort) return before.rows;
  const rows = sorted(
    artifacts.flatMap((artifact) => rowsOf(artifact, sort)),
    sort,
  );
  known.set(artifacts, { sort, rows });
  return rows;
}

function sorted(rows: TagRow[], sort: string): TagRow[] {
  if (sort !== "push_time" && sort !== "-push_time") return rows;
  const byTime = rows.toSorted((a, b) => compare(a.pushed, b.pushed));
  return sort === "push_time" ? byTime : byTime.reverse();
}

function rowsOf(artifact: Artifact, sort: string): TagRow[] {
  const tags = artifact.tags ?? [];
  if (tags.length === 0) return [{ artifact, pushed: artifact.push_time ?? "" }];
  const rows = tags.map((tag) => ({
    artifact,
    tag,
    pushed: tag.push_time ?? artifact.push_time ?? "",
  }));
  const byName = rows.toSorted((a, b) => compare(a.tag.name, b.tag.name));
  return sort === "-tags" ? byName.reverse() : byName;
}

function compare(a = "", b = ""): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** What stands for a row: a tag can't name two artifacts, and an untagged artifact has a row of its own. */
export function rowKey(row: TagRow): string {
  return `${row.artifact.digest} ${row.tag?.name ?? ""}`;
}

/** What may be said of chosen rows: how many tags, how many artifacts, with how many bytes at most. */
export function sumOf(rows: TagRow[]) {
  const artifacts = [...new Map(rows.map((row) => [row.artifact.digest, row.artifact])).values()];
  return {
    tags: rows.filter((row) => row.tag),
    artifacts,
    allTags: artifacts.reduce((sum, each) => sum + (each.tags?.length ?? 0), 0),
    bytes: artifacts.reduce((sum, each) => sum + (each.size ?? 0), 0),
  };
}

interface Platformed {
  os?: unknown;
  architecture?: unknown;
  variant?: unknown;
}

/** `linux/arm64/v8`; nothing when neither part is known. */
export function platformName(platform: Platformed | undefined | null): string {
  if (!platform) return "";
  return [platform.os, platform.architecture, platform.variant]
    .filter((part): part is string => typeof part === "string" && part !== "")
    .join("/");
}

/** The platforms of an image or of all images of an index. Attestations of builders are none. */
export function platforms(artifact: Artifact): string[] {
  const children = (artifact.references ?? [])
    .map((reference) => platformName(reference.platform as Platformed | undefined))
    .filter((name) => name !== "" && !name.startsWith("unknown/"));
  if (children.length > 0) return [...new Set(children)];
  const own = platformName(artifact.extra_attrs as Platformed | undefined);
  return own ? [own] : [];
}
