import type { Policy } from "./queries";

export type FilterKind = "name" | "tag" | "label" | "resource";

export interface DraftFilter {
  /** Tells rows of the form apart. */
  key: number;
  kind: FilterKind;
  /** Of labels their names, separated by commas. */
  value: string;
  excludes: boolean;
}

export type TriggerKind = "manual" | "scheduled" | "event_based";

/** A policy as it is typed. The registry 0 is this one. */
export interface Draft {
  name: string;
  description: string;
  source: number;
  destination: number;
  filters: DraftFilter[];
  namespace: string;
  replace: number;
  trigger: TriggerKind;
  cron: string;
  deletion: boolean;
  override: boolean;
  enabled: boolean;
  speed: number;
  chunks: boolean;
  single: boolean;
}

export const blank: Draft = {
  name: "",
  description: "",
  source: 0,
  destination: 0,
  filters: [{ key: 0, kind: "name", value: "", excludes: false }],
  namespace: "",
  replace: -1,
  trigger: "manual",
  cron: "0 0 3 * * *",
  deletion: false,
  override: true,
  enabled: true,
  speed: 0,
  chunks: false,
  single: false,
};

export function draftOf(policy: Policy): Draft {
  const { trigger } = policy;
  return {
    name: policy.name ?? "",
    description: policy.description ?? "",
    source: policy.src_registry?.id ?? 0,
    destination: policy.dest_registry?.id ?? 0,
    filters: (policy.filters ?? []).map((filter, key) => ({
      key,
      kind: filter.type as FilterKind,
      value: Array.isArray(filter.value) ? filter.value.join(", ") : String(filter.value ?? ""),
      excludes: filter.decoration === "excludes",
    })),
    namespace: policy.dest_namespace ?? "",
    replace: policy.dest_namespace_replace_count ?? -1,
    trigger: (trigger?.type as TriggerKind) || "manual",
    cron: trigger?.trigger_settings?.cron || blank.cron,
    deletion: policy.deletion ?? false,
    override: policy.override ?? false,
    enabled: policy.enabled ?? false,
    speed: policy.speed ?? 0,
    chunks: policy.copy_by_chunk ?? false,
    single: policy.single_active_replication ?? false,
  };
}

function names(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

/** A policy in the API's words. Filters without a value are left out. */
export function policyOf(draft: Draft): Policy {
  return {
    name: draft.name.trim(),
    description: draft.description,
    src_registry: { id: draft.source },
    dest_registry: { id: draft.destination },
    dest_namespace: draft.namespace.trim(),
    dest_namespace_replace_count: draft.replace,
    trigger: {
      type: draft.trigger,
      ...(draft.trigger === "scheduled" && { trigger_settings: { cron: draft.cron.trim() } }),
    },
    filters: draft.filters
      .filter(({ value }) => value.trim() !== "")
      .map(({ kind, value, excludes }) => ({
        type: kind,
        value: kind === "label" ? names(value) : value.trim(),
        ...(kind !== "resource" && { decoration: excludes ? "excludes" : "matches" }),
      })),
    deletion: draft.deletion,
    override: draft.override,
    enabled: draft.enabled,
    speed: draft.speed,
    copy_by_chunk: draft.chunks,
    single_active_replication: draft.single && draft.trigger !== "event_based",
  };
}

export type Fault = "name" | "registries" | "cron" | "speed";

/** What keeps a draft from being saved. */
export function faultsOf(draft: Draft): Set<Fault> {
  const faults = new Set<Fault>();
  if (draft.name.trim() === "") faults.add("name");
  if (draft.source === draft.destination) faults.add("registries");
  if (draft.trigger === "scheduled" && draft.cron.trim().split(/\s+/).length !== 6) {
    faults.add("cron");
  }
  if (!Number.isSafeInteger(draft.speed) || draft.speed < 0) faults.add("speed");
  return faults;
}
