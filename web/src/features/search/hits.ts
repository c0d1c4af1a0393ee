import type { Destination } from "../../ui/destination";
import { shortDigest } from "../../ui/format";
import {
  artifactPlace,
  packagePlace,
  projectPlace,
  repositoryPlace,
  userPlace,
  vulnerabilityPlace,
} from "./places";
import type { Found } from "./queries";

/** The kinds of what is found, each a group with a title. */
export type Kind =
  | "recent"
  | "projects"
  | "repositories"
  | "tags"
  | "artifacts"
  | "labels"
  | "vulnerabilities"
  | "packages"
  | "users"
  | "pages"
  | "actions";

/** A line of the palette: where it leads, or what it does. */
export interface Hit {
  key: string;
  kind: Kind;
  title: string;
  note?: string;
  /** Names of images and digests stand in a face of one width. */
  exact?: boolean;
  place?: Destination;
  act?: () => void;
}

/** What the server found, as lines: what was pasted first, then what has a name. */
export function hitsOf(found: Found): Hit[] {
  const hits: Hit[] = [
    ...found.projects.map(
      ({ name }): Hit => ({
        key: `project ${name}`,
        kind: "projects",
        title: name,
        place: projectPlace(name),
      }),
    ),
    ...found.repositories.map(
      ({ project, name }): Hit => ({
        key: `repository ${project}/${name}`,
        kind: "repositories",
        title: `${project}/${name}`,
        place: repositoryPlace(project, name),
      }),
    ),
    ...found.tags.map(
      (tag): Hit => ({
        key: `tag ${tag.project}/${tag.repository}:${tag.name}`,
        kind: "tags",
        title: `${tag.project}/${tag.repository}:${tag.name}`,
        note: shortDigest(tag.digest),
        exact: true,
        place: artifactPlace({ ...tag, tag: tag.name }),
      }),
    ),
    ...found.artifacts.map(
      (each): Hit => ({
        key: `artifact ${each.project}/${each.repository}@${each.digest}`,
        kind: "artifacts",
        title: `${each.project}/${each.repository}${each.tag && `:${each.tag}`}`,
        note: shortDigest(each.digest),
        exact: true,
        place: artifactPlace(each),
      }),
    ),
    ...found.labels.flatMap(labelHit),
    ...outside(found.vulnerabilities, "vulnerabilities", ({ name, cvss }) => ({
      title: name,
      note: cvss > 0 ? `CVSS ${cvss.toFixed(1)}` : "",
      place: vulnerabilityPlace(name),
    })),
    ...outside(found.packages, "packages", (name) => ({
      title: name,
      note: "",
      place: packagePlace(name),
    })),
    ...outside(found.users, "users", ({ username, realname }) => ({
      title: username,
      note: realname,
      place: userPlace(username),
    })),
  ];
  return hits;
}

function labelHit(label: Found["labels"][number]): Hit[] {
  const place = label.on
    ? artifactPlace(label.on)
    : label.project
      ? projectPlace(label.project)
      : undefined;
  if (!place) return [];
  const carrier = label.on && `${label.on.project}/${label.on.repository}`;
  const note = carrier ?? label.project;
  return [{ key: `label ${label.id}`, kind: "labels", title: label.name, note, place }];
}

interface Outside {
  title: string;
  note: string;
  place: Destination;
}

function outside<T>(all: T[], kind: Kind, line: (each: T) => Outside): Hit[] {
  return all.map((each) => {
    const { title, note, place } = line(each);
    return { key: `${kind} ${title}`, kind, title, note, place };
  });
}

/** Whether each word of a text begins a word of a title. */
export function speaksOf(title: string, text: string): boolean {
  const words = title.toLowerCase().split(/[\s/:]+/);
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((part) => words.some((word) => word.startsWith(part)));
}

/** Whether a text is a reference or a digest, which nobody types but pastes. */
export function isPasted(text: string): boolean {
  return /[:@]/.test(text) || /^\S+\s+\S+\s+\S*\//.test(text);
}

const usual: Kind[] = [
  "recent",
  "projects",
  "repositories",
  "pages",
  "actions",
  "tags",
  "artifacts",
  "labels",
  "vulnerabilities",
  "packages",
  "users",
];

/** Brings what belongs together beside each other; what was pasted means a tag or an artifact. */
export function sorted(hits: Hit[], pasted: boolean): Hit[] {
  const order: Kind[] = pasted ? ["tags", "artifacts", ...usual] : usual;
  return [...hits].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}
