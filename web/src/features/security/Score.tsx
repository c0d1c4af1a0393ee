/** A CVSS score as it is written everywhere, with one decimal; what has none has a dash. */
export function Score({ of }: { of: number | undefined }) {
  return of ? of.toFixed(1) : "–";
}
