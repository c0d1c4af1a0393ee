import type { Artifact } from "../artifacts/queries";
import type { Outcomes } from "./queries";

/** The severities that pulls can be refused at, as project settings spell them; the gravest first. */
export const thresholds = ["critical", "high", "medium", "low", "none"] as const;

export type Threshold = (typeof thresholds)[number];

/** The ranks that each threshold refuses. "none" refuses whatever was found. */
const refused: Record<Threshold, string[]> = {
  critical: ["Critical"],
  high: ["Critical", "High"],
  medium: ["Critical", "High", "Medium"],
  low: ["Critical", "High", "Medium", "Low"],
  none: ["Critical", "High", "Medium", "Low", "Negligible", "Unknown", "None"],
};

export type State = "clean" | "vulnerable" | keyof Outcomes;

/** What is known of one artifact, as the gate sees it; nothing of what can't be run. */
export function stateOf(artifact: Artifact, threshold: Threshold): State | undefined {
  if (artifact.type !== "IMAGE") return undefined;
  const report = Object.values(artifact.scan_overview ?? {})[0];
  if (!report?.scan_status) return "never_scanned";
  const counts = (report.counted_summary ?? report.summary)?.summary ?? {};
  if (refused[threshold].some((rank) => (counts[rank] ?? 0) > 0)) return "vulnerable";
  if (report.evaluated === "wholly") return "clean";
  if (report.evaluated === "partly") return "not_evaluated";
  const over = ["Success", "Error", "Stopped"].includes(report.scan_status);
  if (!over) return "pending";
  return report.scan_status === "Success" ? "not_evaluated" : "failed";
}

/** Whether an artifact in a state can't be pulled. */
export function isBlocked(state: State, outcomes: Outcomes): boolean {
  if (state === "clean") return false;
  return state === "vulnerable" || outcomes[state] === "block";
}

export interface Effect {
  /** How many artifacts can be run, and so are judged. */
  judged: number;
  blocked: { artifact: Artifact; state: State }[];
}

/** What a rule would refuse of the artifacts that are known. */
export function effectOf(artifacts: Artifact[], threshold: Threshold, outcomes: Outcomes): Effect {
  const known = artifacts.flatMap((artifact) => {
    const state = stateOf(artifact, threshold);
    return state ? [{ artifact, state }] : [];
  });
  return {
    judged: known.length,
    blocked: known.filter(({ state }) => isBlocked(state, outcomes)),
  };
}

/** The name of an artifact's image: its repository, and a tag where it has one. */
export function imageOf(artifact: Artifact): string {
  const tag = artifact.tags?.[0]?.name;
  return `${artifact.repository_name}${tag ? `:${tag}` : `@${artifact.digest?.slice(0, 19)}…`}`;
}
