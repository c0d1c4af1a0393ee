import { useMemo } from "react";
import { queryOf, readFilter } from "./filter";
import type { PlaceProps } from "./place";
import { useArtifacts, useLabels } from "./queries";
import type { TagRow } from "./rows";

interface Asked {
  q: string;
  sort: string;
  untagged: boolean;
}

const sorts = ["tags", "push_time", "pull_time", "size"];

/** The artifacts that a filter text lets through, and which of its words mean nothing here. */
export function useTagFilter(place: PlaceProps, projectId: number | undefined, asked: Asked) {
  const { q, sort, untagged } = asked;
  const filter = useMemo(() => {
    // To the minute, so that the same text asks the same question for a while.
    const now = new Date(Math.floor(Date.now() / 60_000) * 60_000);
    const read = readFilter(q, now);
    const shows = (row: TagRow) =>
      read.names.every((name) => row.tag?.name?.includes(name) ?? false);
    return { ...read, shows };
  }, [q]);
  const labels = useLabels(projectId, filter.labels.length > 0);
  const byName = new Map((labels.data ?? []).map((label) => [label.name, label.id ?? 0]));
  const missing = labels.data ? filter.labels.filter((name) => !byName.has(name)) : [];
  const ids = filter.labels.flatMap((name) => byName.get(name) ?? []);
  const ready = filter.labels.length === 0 || !labels.isPending;
  const order = sorts.includes(sort.replace(/^-/, "")) ? sort : "-push_time";
  const artifacts = useArtifacts(place, { q: queryOf(filter, ids, untagged), sort: order }, ready);
  return { filter, artifacts, missing };
}
