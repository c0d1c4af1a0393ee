import type { QueryClient } from "@tanstack/react-query";
import type { Destination } from "../../ui/destination";
import { recall, remember } from "../../ui/storage";
import { placeOf } from "../artifacts/address";
import { artifactPlace, projectPlace, repositoryPlace } from "./places";

/** A page that was looked at in this browser. */
export interface Recent {
  kind: "project" | "repository" | "artifact";
  title: string;
  place: Destination;
}

const kept = 12;

const keyOf = (user: string) => `recent.${user}`;

/** What somebody looked at in this browser, the last first. */
export function recents(user: string): Recent[] {
  try {
    const all: unknown = JSON.parse(recall(keyOf(user)) ?? "[]");
    return Array.isArray(all) ? (all as Recent[]).filter((each) => each.title && each.place) : [];
  } catch {
    return [];
  }
}

/** What the page at an address shows, where it is one that people come back to. */
export function recentAt(path: string, search: Record<string, unknown>): Recent | undefined {
  const match = /^\/p\/([^/]+)(?:\/r\/(.+))?$/.exec(decodeURIComponent(path));
  const project = match?.[1];
  if (!project) return undefined;
  if (!match[2]) return { kind: "project", title: project, place: projectPlace(project) };
  const { repository, digest } = placeOf(match[2]);
  if (!digest) {
    const place = repositoryPlace(project, repository);
    return { kind: "repository", title: `${project}/${repository}`, place };
  }
  if (typeof search.tag !== "string") return undefined;
  return {
    kind: "artifact",
    title: `${project}/${repository}:${search.tag}`,
    place: artifactPlace({ project, repository, digest, tag: search.tag }),
  };
}

/** Puts a page first among those that were looked at. */
export function noteRecent(user: string, recent: Recent): void {
  const others = recents(user).filter((each) => each.title !== recent.title);
  remember(keyOf(user), JSON.stringify([recent, ...others].slice(0, kept)));
}

/** Whether something that the page asked for failed: then nobody wants to come back to it. */
export function pageFailed(client: QueryClient): boolean {
  return client
    .getQueryCache()
    .findAll({ type: "active" })
    .some((query) => query.state.status === "error");
}
