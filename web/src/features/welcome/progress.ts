import { recall, remember } from "../../ui/storage";

/** The steps of setting up, in their order. */
export const steps = ["password", "address", "storage", "project"] as const;

export type Step = (typeof steps)[number];

const key = "welcome";
const ended = "ended";

/** Which steps were gone through in this browser. */
export function doneSteps(): Set<Step> {
  const known = (recall(key) ?? "").split(" ");
  return new Set(steps.filter((step) => known.includes(step)));
}

/** Whether nobody wants to be asked again here. */
export function isEnded(): boolean {
  return (recall(key) ?? "").split(" ").includes(ended);
}

/** Whether setting up was begun in this browser. */
export function isBegun(): boolean {
  return recall(key) !== null;
}

export function noteBegun(): void {
  if (!isBegun()) remember(key, "");
}

export function noteStep(step: Step): void {
  remember(key, [...doneSteps(), step, ...(isEnded() ? [ended] : [])].join(" "));
}

export function noteEnded(): void {
  remember(key, [...doneSteps(), ended].join(" "));
}

/** The step to go on with: the first that isn't done, the last one when all are. */
export function nextStep(done: Set<Step>): Step {
  return steps.find((step) => !done.has(step)) ?? "project";
}
