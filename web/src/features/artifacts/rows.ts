import type { Artifact, Tag } from "./queries";

/** A line of the tag list: a tag with what it names, or an artifact that no tag names. */
export interface TagRow {
  artifact: Artifact;
  tag?: Tag;
  /** When the tag was set, or the artifact pushed, as the API writes times. */
  pushed: string;
}

/** One row for each tag, the one set last first; untagged artifacts stand by their push. */
export function tagRows(artifacts: Artifact[]): TagRow[] {
  return artifacts
    .flatMap((artifact): TagRow[] => {
      const tags = artifact.tags ?? [];
      if (tags.length === 0) return [{ artifact, pushed: artifact.push_time ?? "" }];
      return tags.map((tag) => ({
        artifact,
        tag,
        pushed: tag.push_time ?? artifact.push_time ?? "",
      }));
    })
    .sort((a, b) => b.pushed.localeCompare(a.pushed));
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
