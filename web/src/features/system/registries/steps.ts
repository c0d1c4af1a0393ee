/** What is done to reach another registry, in this order. */
export const steps = [
  "address",
  "name",
  "connection",
  "certificate",
  "registry",
  "access",
] as const;
export type Step = (typeof steps)[number];

const signs: [Step, RegExp][] = [
  ["name", /the name \S+ (is not known|can't be resolved)/],
  ["connection", /nothing listens|no way leads|no answer in time|connection failed|given up/],
  ["certificate", /certificate|doesn't speak TLS/],
  ["access", /access key|doesn't allow|doesn't let it in|credential|token service|401|403/],
  ["address", /^url|address|registry_networks|type:|are needed/],
];

/** At which step it went wrong, by what the server says. What has no sign of another came from what answers there. */
export function failedStep(message: string): Step {
  return signs.find(([, sign]) => sign.test(message))?.[0] ?? "registry";
}
