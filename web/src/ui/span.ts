const units: [string, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** A span of time in its greatest unit: `3 min`. Under a minute in seconds. */
export function formatDuration(seconds: number, language: string): string {
  const [unit, size] = units.find((each) => seconds >= each[1]) ?? ["second", 1];
  const digits = size === 1 && seconds < 10 && seconds % 1 !== 0 ? 1 : 0;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit,
    unitDisplay: "short",
    maximumFractionDigits: digits,
  }).format(digits ? seconds : Math.floor(seconds / size));
}
