import type { Policy, Registry, Run } from "./queries";

/** Policies that go from one registry to another, as one arrow. */
export interface Arrow {
  key: string;
  from: Registry;
  to: Registry;
  policies: Policy[];
  /** What became of the last run of each that ran, the gravest first. */
  last: Run | undefined;
  disabled: boolean;
}

const gravity = ["Failed", "InProgress", "Stopped", "Succeed"];

function graver(a: Run, b: Run): number {
  return gravity.indexOf(a.status) - gravity.indexOf(b.status);
}

export function arrowsOf(policies: Policy[], runs: Map<number, Run>): Arrow[] {
  const found = new Map<string, Arrow>();
  for (const policy of policies) {
    const from = policy.src_registry ?? { id: 0 };
    const to = policy.dest_registry ?? { id: 0 };
    const key = `${from.id ?? 0}-${to.id ?? 0}`;
    const arrow = found.get(key) ?? {
      key,
      from,
      to,
      policies: [],
      last: undefined,
      disabled: true,
    };
    const run = runs.get(policy.id ?? 0);
    arrow.policies.push(policy);
    if (policy.enabled) arrow.disabled = false;
    if (run && (!arrow.last || graver(run, arrow.last) < 0)) arrow.last = run;
    found.set(key, arrow);
  }
  return [...found.values()];
}

/** Where a registry stands: sources at the left, this one in the middle, destinations at the right. */
export interface Spot {
  id: number;
  registry: Registry;
  column: 0 | 1 | 2;
  row: number;
}

export function spotsOf(arrows: Arrow[]): Spot[] {
  const spots: Spot[] = [{ id: 0, registry: { id: 0 }, column: 1, row: 0 }];
  const rows = [0, 1, 0];
  const put = (registry: Registry, column: 0 | 2) => {
    const id = registry.id ?? 0;
    if (spots.some((spot) => spot.id === id)) return;
    spots.push({ id, registry, column, row: rows[column] ?? 0 });
    rows[column] = (rows[column] ?? 0) + 1;
  };
  for (const { from } of arrows) put(from, 0);
  for (const { to } of arrows) put(to, 2);
  return spots;
}
