import type { Policy } from "./queries";

export type Trigger = "manual" | "scheduled" | "event_based";

export interface Draft {
  name: string;
  description: string;
  provider: number;
  enabled: boolean;
  repository: string;
  tag: string;
  label: string;
  /** The number of a severity that images have to be below; 0 for any. */
  below: number;
  signed: boolean;
  trigger: Trigger;
  cron: string;
  scope: string;
  clusters: string;
  /** Filters that no field is for; they stay as they are. */
  others: Filter[];
}

interface Filter {
  type: string;
  value: unknown;
}

export function newDraft(provider: number): Draft {
  return {
    name: "",
    description: "",
    provider,
    enabled: true,
    repository: "**",
    tag: "**",
    label: "",
    below: 0,
    signed: false,
    trigger: "manual",
    cron: "0 0 0 * * *",
    scope: "",
    clusters: "",
    others: [],
  };
}

/** Reads JSON that is a text in the API. What can't be read is as if nothing were there. */
function read<T>(text: string | undefined, otherwise: T): T {
  try {
    return (JSON.parse(text || "null") as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function draftOf(policy: Policy): Draft {
  const draft = newDraft(policy.provider_id ?? 0);
  draft.repository = "";
  draft.tag = "";
  for (const filter of read<Filter[]>(policy.filters, [])) take(draft, filter);
  const trigger = read<{ type?: Trigger; trigger_setting?: { cron?: string } }>(policy.trigger, {});
  const extra = read<{ scope?: string; cluster_ids?: number[] }>(policy.extra_attrs, {});
  return {
    ...draft,
    name: policy.name ?? "",
    description: policy.description ?? "",
    enabled: policy.enabled ?? false,
    trigger: trigger.type || "manual",
    cron: trigger.trigger_setting?.cron || draft.cron,
    scope: extra.scope ?? "",
    clusters: (extra.cluster_ids ?? []).join(", "),
  };
}

function take(draft: Draft, filter: Filter) {
  const { type, value } = filter;
  if (type === "repository" && draft.repository === "") draft.repository = String(value);
  else if (type === "tag" && draft.tag === "") draft.tag = String(value);
  else if (type === "label" && draft.label === "") draft.label = String(value);
  else if (type === "vulnerability" && draft.below === 0) draft.below = Number(value);
  else if (type === "signature") draft.signed = value === true;
  else draft.others.push(filter);
}

function filtersOf(draft: Draft): Filter[] {
  return [
    { type: "repository", value: draft.repository.trim() || "**" },
    { type: "tag", value: draft.tag.trim() || "**" },
    ...(draft.label.trim() ? [{ type: "label", value: draft.label.trim() }] : []),
    ...(draft.below > 0 ? [{ type: "vulnerability", value: draft.below }] : []),
    ...(draft.signed ? [{ type: "signature", value: true }] : []),
    ...draft.others,
  ];
}

/** A draft as the API takes it. */
export function bodyOfDraft(draft: Draft): Policy {
  const clusters = clustersOf(draft.clusters);
  const extra = {
    ...(draft.scope && { scope: draft.scope }),
    ...(clusters && clusters.length > 0 && { cluster_ids: clusters }),
  };
  return {
    name: draft.name,
    description: draft.description,
    provider_id: draft.provider,
    enabled: draft.enabled,
    filters: JSON.stringify(filtersOf(draft)),
    trigger: JSON.stringify({
      type: draft.trigger,
      trigger_setting: { cron: draft.trigger === "scheduled" ? draft.cron.trim() : "" },
    }),
    extra_attrs: Object.keys(extra).length > 0 ? JSON.stringify(extra) : "",
  };
}

/** The numbers of clusters; undefined where something isn't one. */
export function clustersOf(text: string): number[] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  const named = parts.filter((part) => part !== "");
  return named.every((part) => /^\d+$/.test(part)) ? named.map(Number) : undefined;
}

export function isName(name: string): boolean {
  return name.length <= 255 && /^[a-zA-Z0-9]+(?:[._-][a-zA-Z0-9]+)*$/.test(name);
}

/** Whether a schedule may be one: six fields, and the seconds 0. */
export function isCron(cron: string): boolean {
  const fields = cron.trim().split(/\s+/);
  return fields.length === 6 && fields[0] === "0";
}

export function isGood(draft: Draft): boolean {
  return (
    isName(draft.name) &&
    draft.provider > 0 &&
    clustersOf(draft.clusters) !== undefined &&
    (draft.trigger !== "scheduled" || isCron(draft.cron))
  );
}
