import { type Place, permissionsOf, placesOf } from "../../robots/rights";
import type { Draft, Policy } from "./queries";

/** What is typed of a policy. */
export interface Typed {
  name: string;
  /** "" for one of the registry. */
  project: string;
  description: string;
  issuer: string;
  audience: string;
  condition: string;
  keys: string;
  minutes: string;
  enabled: boolean;
  places: Place[];
}

export function blank(project: string): Typed {
  return {
    name: "",
    project,
    description: "",
    issuer: "",
    audience: window.location.origin,
    condition: "",
    keys: "",
    minutes: "15",
    enabled: true,
    places: [],
  };
}

export function typedOf(policy: Policy): Typed {
  return {
    name: policy.name,
    project: policy.project ?? "",
    description: policy.description ?? "",
    issuer: policy.issuer,
    audience: policy.audience,
    condition: policy.condition,
    keys: policy.key_set ?? "",
    minutes: String(policy.life_minutes),
    enabled: policy.enabled,
    places: placesOf(policy.permissions),
  };
}

export function draftOf(typed: Typed, places: Place[]): Draft {
  const project = typed.project.trim();
  return {
    name: typed.name.trim(),
    ...(project && { project }),
    description: typed.description.trim(),
    issuer: typed.issuer.trim(),
    audience: typed.audience.trim(),
    condition: typed.condition.trim(),
    key_set: typed.keys.trim(),
    life_minutes: Number(typed.minutes),
    enabled: typed.enabled,
    permissions: permissionsOf(places),
  };
}

/** Whether a draft can be sent; the server has the last word. */
export function isReady(draft: Draft): boolean {
  const life = draft.life_minutes ?? 15;
  return (
    /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(draft.name) &&
    /^https?:\/\/\S+$/.test(draft.issuer) &&
    draft.audience !== "" &&
    draft.condition !== "" &&
    Number.isInteger(life) &&
    life >= 1 &&
    life <= 60 &&
    draft.permissions.length > 0
  );
}
