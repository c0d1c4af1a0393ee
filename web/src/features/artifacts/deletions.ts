import { api, bodyOf, type Schema } from "../../api/client";
import { asProblem, type Problem } from "../../api/problem";
import { artifactPath, type PlaceProps, repositoryPath } from "./place";

type Deletion = Schema["Deletion"];

/** Something to be deleted: a tag, or an artifact with all its tags. */
export interface Doomed {
  digest: string;
  tag?: string;
}

export interface Outcome {
  done: number;
  /** What nothing else in the project needed. */
  bytes: number;
  failures: Problem[];
  /** Takes all of it back, where the server keeps what is deleted and lets the caller restore it. */
  undo?: () => Promise<unknown>;
}

const atOnce = 4;

/** Does something with each, a few at a time. What fails is returned and ends nothing. */
export async function forEach<T>(all: T[], act: (one: T) => Promise<unknown>): Promise<Problem[]> {
  const failures: Problem[] = [];
  const rest = [...all];
  const work = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) {
      await act(one).catch((error) => failures.push(asProblem(error)));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failures;
}

function remove(place: PlaceProps, { digest, tag }: Doomed) {
  const path = artifactPath(place, digest);
  if (tag === undefined) {
    return bodyOf(
      api.DELETE(
        "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}",
        { params: { path } },
      ),
    );
  }
  return bodyOf(
    api.DELETE(
      "/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}",
      { params: { path: { ...path, tag_name: tag } } },
    ),
  );
}

/** A part of what was deleted in a project, the newest first; nothing for those who can't restore it. */
async function trash(project: string, before?: number): Promise<Deletion[]> {
  try {
    return await bodyOf<Deletion[]>(
      api.GET("/api/haven/v1/projects/{project_name}/trash", {
        params: {
          path: { project_name: project },
          query: { page_size: 100, ...(before !== undefined && { before }) },
        },
      }),
    );
  } catch {
    return [];
  }
}

async function deletedSince(project: string, last: number): Promise<Deletion[]> {
  const found: Deletion[] = [];
  for (let before: number | undefined; ; ) {
    const page = await trash(project, before);
    const fresh = page.filter((each) => each.id > last);
    found.push(...fresh);
    if (page.length < 100 || fresh.length < page.length) return found;
    before = page.at(-1)?.id;
  }
}

function restore(project: string, id: number) {
  return bodyOf(
    api.POST("/api/haven/v1/projects/{project_name}/trash/{deletion_id}/restore", {
      params: { path: { project_name: project, deletion_id: id } },
    }),
  );
}

/** Restores in the reverse order: what was deleted last may be what the others need. */
async function restoreAll(project: string, ids: number[]) {
  for (const id of [...ids].sort((a, b) => b - a)) await restore(project, id);
}

async function outcome(
  project: string,
  last: number,
  mine: (deletion: Deletion) => boolean,
): Promise<Pick<Outcome, "bytes" | "undo">> {
  const kept = (await deletedSince(project, last)).filter(mine);
  const bytes = kept.reduce((sum, each) => sum + each.bytes, 0);
  if (kept.length === 0) return { bytes };
  const ids = kept.map((each) => each.id);
  return { bytes, undo: () => restoreAll(project, ids) };
}

async function lastDeletion(project: string): Promise<number> {
  return (await trash(project))[0]?.id ?? 0;
}

/** Deletes tags and artifacts. Others may delete at the same time: only what was asked for is undone. */
export async function deleteAll(place: PlaceProps, doomed: Doomed[]): Promise<Outcome> {
  const last = await lastDeletion(place.project);
  const failures = await forEach(doomed, (each) => remove(place, each));
  const key = (digest: string, tag: string) => `${digest} ${tag}`;
  const tags = new Set(
    doomed.filter((each) => each.tag).map((each) => key(each.digest, each.tag ?? "")),
  );
  const artifacts = new Set(doomed.filter((each) => !each.tag).map((each) => each.digest));
  const mine = (deletion: Deletion) =>
    deletion.repository === place.repository &&
    (deletion.kind === "tag"
      ? tags.has(key(deletion.digest, deletion.tag))
      : deletion.kind === "artifact" && artifacts.has(deletion.digest));
  const rest = await outcome(place.project, last, mine);
  if (failures.length > 0 && failures.length === doomed.length) throw failures[0];
  return { done: doomed.length - failures.length, failures, ...rest };
}

/** Deletes a repository with all that is in it. */
export async function deleteRepository(place: PlaceProps): Promise<Outcome> {
  const last = await lastDeletion(place.project);
  await bodyOf(
    api.DELETE("/api/v2.0/projects/{project_name}/repositories/{repository_name}", {
      params: { path: repositoryPath(place) },
    }),
  );
  const mine = (deletion: Deletion) =>
    deletion.kind === "repository" && deletion.repository === place.repository;
  return { done: 1, failures: [], ...(await outcome(place.project, last, mine)) };
}
