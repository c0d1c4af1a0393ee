/** Sizes that people write. */
export const units = ["MiB", "GiB", "TiB"] as const;
export type Unit = (typeof units)[number];

const factors: Record<Unit, number> = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

export interface Size {
  /** As it is typed; "" for no limit. */
  amount: string;
  unit: Unit;
}

/** The largest unit in which a number of bytes is a short one. -1 is no limit. */
export function sizeOf(bytes: number): Size {
  if (bytes < 0) return { amount: "", unit: "GiB" };
  for (const unit of ["TiB", "GiB"] as const)
    if (bytes > 0 && bytes % factors[unit] === 0)
      return { amount: String(bytes / factors[unit]), unit };
  return { amount: String(Number((bytes / factors.MiB).toFixed(3))), unit: "MiB" };
}

const most = 2 ** 50;

/** The bytes that a size stands for, -1 for no limit; nothing where it is none. */
export function bytesOf({ amount, unit }: Size): number | undefined {
  if (amount.trim() === "") return -1;
  const bytes = Math.round(Number(amount.replace(",", ".")) * factors[unit]);
  return Number.isFinite(bytes) && bytes >= 1 && bytes <= most ? bytes : undefined;
}
