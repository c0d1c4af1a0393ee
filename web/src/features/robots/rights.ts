import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import type { Schema } from "../../api/client";

/** One thing that a robot may do. */
export interface Right {
  resource: string;
  action: string;
}

/** Rights that are given together, or one by one. */
export type Preset = "pull" | "push" | "own";

const repository = (...actions: string[]) =>
  actions.map((action) => ({ resource: "repository", action }));

export const presets: Record<Exclude<Preset, "own">, Right[]> = {
  pull: [
    ...repository("pull", "read", "list"),
    { resource: "artifact", action: "read" },
    { resource: "artifact", action: "list" },
    { resource: "tag", action: "list" },
  ],
  push: [
    ...repository("pull", "push", "read", "list"),
    { resource: "artifact", action: "read" },
    { resource: "artifact", action: "list" },
    { resource: "tag", action: "list" },
    { resource: "tag", action: "create" },
  ],
};

export const keyOf = ({ resource, action }: Right) => `${resource} ${action}`;

/** Which of the presets rights are, if one. */
export function presetOf(rights: Right[]): Preset {
  const keys = [...new Set(rights.map(keyOf))].sort().join();
  const same = (["pull", "push"] as const).find(
    (name) => presets[name].map(keyOf).sort().join() === keys,
  );
  return same ?? "own";
}

/** What a robot of one project may do. */
export function rightsOf(permissions: Schema["RobotPermission"][] | null): Right[] {
  return (permissions ?? []).flatMap(({ access }) =>
    (access ?? [])
      .filter(({ effect }) => effect !== "deny")
      .map(({ resource = "", action = "" }) => ({ resource, action })),
  );
}

/** The order in which actions stand in the table. */
const order = ["pull", "push", "list", "read", "create", "update", "delete", "stop"];

/** What can be given, as a table: resources, and the actions that there are for any of them. */
export function matrixOf(rights: Right[]): { resources: string[]; actions: string[] } {
  const resources = [...new Set(rights.map((right) => right.resource))];
  const known = [...new Set(rights.map((right) => right.action))];
  const place = (action: string) => (order.indexOf(action) + order.length + 1) % (order.length + 1);
  return { resources, actions: known.sort((a, b) => place(a) - place(b)) };
}

export const actionNames: Record<string, MessageDescriptor> = {
  pull: msg`pull`,
  push: msg`push`,
  list: msg`list`,
  read: msg`read`,
  create: msg`create`,
  update: msg`change`,
  delete: msg`delete`,
  stop: msg`stop`,
};

export const resourceNames: Record<string, MessageDescriptor> = {
  log: msg`Log`,
  project: msg`Project`,
  metadata: msg`Settings of the project`,
  repository: msg`Repositories`,
  artifact: msg`Artifacts`,
  scan: msg`Scans`,
  sbom: msg`Inventories (SBOM)`,
  tag: msg`Tags`,
  accessory: msg`Signatures and other accessories`,
  "artifact-addition": msg`Details of artifacts`,
  "artifact-label": msg`Labels on artifacts`,
  scanner: msg`Scanner of the project`,
  "preheat-policy": msg`Preheat policies`,
  "immutable-tag": msg`Immutable tags`,
  "notification-policy": msg`Webhooks`,
  "tag-retention": msg`Retention`,
  label: msg`Labels`,
  quota: msg`Quota`,
  robot: msg`Robots`,
  "export-cve": msg`Exports of findings`,
  member: msg`Members`,
};
