import type { Schema } from "../../api/client";

type Access = Schema["Access"][];

/** What a list of rights amounts to, in a word where there is one. */
export type Kind = "everything" | "push" | "pull" | "some";

export function kindOf(access: Access): Kind {
  const has = (resource: string, action: string) =>
    access.some((each) => each.resource === resource && each.action === action);
  if (has("*", "*")) return "everything";
  const images = access.every(({ resource = "", action = "" }) =>
    /^(repository|artifact|tag) (pull|push|list|read|create)$/.test(`${resource} ${action}`),
  );
  if (images && has("repository", "push")) return "push";
  return images && has("repository", "pull") ? "pull" : "some";
}

/** The rights of each resource, for reading: "artifact: list, read". */
export function lines(access: Access): string[] {
  const actions = new Map<string, string[]>();
  for (const { resource = "", action = "", effect } of access) {
    const word = effect === "deny" ? `not ${action}` : action;
    actions.set(resource, [...(actions.get(resource) ?? []), word]);
  }
  return [...actions].map(([resource, all]) => `${resource}: ${all.join(", ")}`);
}
