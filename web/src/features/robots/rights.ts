import type { Schema } from "../../api/client";

export type Permission = Schema["Permission"];
export type RobotPermission = Schema["RobotPermission"];

/** A place and what is allowed there; a right is spelled "resource action". */
export interface Place {
  kind: "system" | "project";
  /** "/" for the registry, "*" for all projects, else a project's name. */
  namespace: string;
  rights: ReadonlySet<string>;
}

export function rightOf({ resource = "", action = "" }: Permission): string {
  return `${resource} ${action}`;
}

export interface ResourceRow {
  resource: string;
  actions: string[];
}

const order = ["pull", "push", "list", "read", "create", "update", "delete", "stop"];

/** The rights on offer, by resource, in the server's order; actions always in the same one, unknown ones last. */
export function rowsOf(offered: Permission[]): ResourceRow[] {
  const rows = new Map<string, string[]>();
  for (const { resource = "", action = "" } of offered) {
    rows.set(resource, [...(rows.get(resource) ?? []), action]);
  }
  const rank = (action: string) => (order.indexOf(action) + order.length + 1) % (order.length + 1);
  for (const actions of rows.values()) actions.sort((a, b) => rank(a) - rank(b));
  return [...rows].map(([resource, actions]) => ({ resource, actions }));
}

const pull = [
  "repository pull",
  "repository list",
  "repository read",
  "artifact list",
  "artifact read",
  "tag list",
];
const push = [...pull, "repository push", "tag create"];

export type Preset = "none" | "pull" | "push" | "everything";

/** The rights of a preset, as far as they are on offer. */
export function presetRights(preset: Preset, offered: Permission[]): Set<string> {
  const all = offered.map(rightOf);
  const wanted: string[] = { none: [], pull, push, everything: all }[preset];
  return new Set(all.filter((right) => wanted.includes(right)));
}

/** The preset that rights are exactly, if they are one. */
export function presetOf(rights: ReadonlySet<string>, offered: Permission[]): Preset | undefined {
  return (["none", "pull", "push", "everything"] as const).find((preset) => {
    const of = presetRights(preset, offered);
    return of.size === rights.size && [...of].every((right) => rights.has(right));
  });
}

/** What is granted where: of a project there only, with pulls to begin with; of none as it is. */
export function placesFor(project: string, places: Place[], offered: Permission[]): Place[] {
  if (!project) return places;
  const same = places.find(({ kind }) => kind === "project");
  const rights = same?.rights ?? presetRights("pull", offered);
  return [{ kind: "project", namespace: project, rights }];
}

/** As the API takes them; places without a right are left out. */
export function permissionsOf(places: Place[]): RobotPermission[] {
  return places
    .filter(({ rights }) => rights.size > 0)
    .map(({ kind, namespace, rights }) => ({
      kind,
      namespace,
      access: [...rights].map((right) => {
        const [resource = "", action = ""] = right.split(" ");
        return { resource, action };
      }),
    }));
}

/** As the API tells them. What is denied isn't among the rights: see `hasDenials`. */
export function placesOf(permissions: RobotPermission[] | null | undefined): Place[] {
  return (permissions ?? []).map(({ kind, namespace = "", access }) => ({
    kind: kind === "system" ? "system" : "project",
    namespace,
    rights: new Set((access ?? []).filter(({ effect }) => effect !== "deny").map(rightOf)),
  }));
}

/** Whether something is denied by name, which a matrix of what is allowed can't show. */
export function hasDenials(permissions: RobotPermission[] | null | undefined): boolean {
  return (permissions ?? []).some(({ access }) => access?.some(({ effect }) => effect === "deny"));
}
