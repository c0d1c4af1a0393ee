import type { SpaceOfRepository } from "./queries";

/** Rows in an order as the API would have it: a field, with a minus before it for descending. */
export function ordered(rows: SpaceOfRepository[], sort: string): SpaceOfRepository[] {
  const down = sort.startsWith("-");
  const key = sort.replace(/^-/, "") as keyof SpaceOfRepository;
  const up = [...rows].sort((a, b) => {
    const [one, other] = [a[key], b[key]];
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other));
  });
  return down ? up.reverse() : up;
}
