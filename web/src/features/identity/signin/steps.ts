/** What a log-in by a directory takes, one after the other. */
export const steps = ["address", "encryption", "account", "base"] as const;
export type Step = (typeof steps)[number];

const signs: [Step, RegExp][] = [
  ["encryption", /certificate|TLS|encrypted/i],
  ["account", /empty password|search account|ldap_search_dn/i],
  ["base", /base|filter|attribute|distinguished name|refers to another|no time for the search/i],
];

/** The step at which a test ended, by the server's words; the first one when they name none. */
export function failedStep(message: string): Step {
  return signs.find(([, sign]) => sign.test(message))?.[0] ?? "address";
}

export type Outcome = "done" | "failed" | "untried";

/** What became of each step of a test. */
export function outcomes(success: boolean, message: string): Record<Step, Outcome> {
  const failed = success ? steps.length : steps.indexOf(failedStep(message));
  const outcome = (index: number): Outcome =>
    index < failed ? "done" : index === failed ? "failed" : "untried";
  return Object.fromEntries(steps.map((step, index) => [step, outcome(index)])) as Record<
    Step,
    Outcome
  >;
}
