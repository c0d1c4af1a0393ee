const sizes = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

export type Unit = keyof typeof sizes;
export const units = Object.keys(sizes) as Unit[];

/** A limit as it is typed. */
export interface Typed {
  unlimited: boolean;
  amount: string;
  unit: Unit;
}

/** The most that the server takes: 1024 TiB. */
const most = 2 ** 50;

/** What a limit is in bytes, -1 for none; nothing where what was typed is no limit. */
export function bytesOf({ unlimited, amount, unit }: Typed): number | undefined {
  if (unlimited) return -1;
  const number = Number(amount.trim().replace(",", "."));
  const bytes = Math.round(number * sizes[unit]);
  return amount.trim() !== "" && bytes > 0 && bytes <= most ? bytes : undefined;
}

/** A limit as one would type it, in the largest unit that leaves a whole number. */
export function typedOf(bytes: number): Typed {
  if (bytes < 0) return { unlimited: true, amount: "", unit: "GiB" };
  const unit = units.findLast((each) => bytes % sizes[each] === 0) ?? "MiB";
  return { unlimited: false, amount: String(Number((bytes / sizes[unit]).toFixed(3))), unit };
}
