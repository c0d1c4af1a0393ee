import type { Schema } from "../../api/client";

/** How much of some work has ended, from 0 to 1. */
export function endedShare({ total, waiting, running }: Schema["JobTaskCounts"]): number {
  return total === 0 ? 1 : (total - waiting - running) / total;
}
