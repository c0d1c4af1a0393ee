import type { Schema } from "../../../api/client";

export type Kind = "None" | "Hourly" | "Daily" | "Weekly" | "Custom";

export interface Plan {
  kind: Kind;
  /** Six fields, seconds first, in UTC; of a custom plan. */
  cron: string;
}

const crons = { Hourly: "0 0 * * * *", Daily: "0 0 0 * * *", Weekly: "0 0 0 * * 0" };

/** The plan that a schedule of the API stands for. */
export function planOf(schedule: Schema["ScheduleObj"] | undefined): Plan {
  const kind = schedule?.type;
  if (kind === "Hourly" || kind === "Daily" || kind === "Weekly")
    return { kind, cron: schedule?.cron ?? "" };
  if (kind === "Custom" || kind === "Schedule")
    return { kind: "Custom", cron: schedule?.cron ?? "" };
  return { kind: "None", cron: "" };
}

/** What the API is told. */
export function scheduleOf({ kind, cron }: Plan): Schema["ScheduleObj"] {
  if (kind === "None") return { type: "None" };
  return { type: kind, cron: kind === "Custom" ? cron.trim() : crons[kind] };
}

/** Whether a text has the form of a cron setting: six fields, the first of them 0. */
export function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return (
    fields.length === 6 && fields[0] === "0" && fields.every((each) => /^[\w*,/?#-]+$/.test(each))
  );
}
