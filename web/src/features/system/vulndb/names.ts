/** The names of vulnerabilities in a text, each once, in the order in which they stand. */
export function namesIn(text: string): string[] {
  const names = text
    .split(/[\s,;]+/)
    .map((each) => each.trim())
    .filter(Boolean);
  return [...new Set(names)];
}

/** The day of a time in seconds, as a field of a form wants it. */
export function dayOf(seconds: number | null | undefined): string {
  return seconds ? new Date(seconds * 1000).toISOString().slice(0, 10) : "";
}

/** The end of a day in UTC, in seconds; nothing for no day. */
export function endOf(day: string): number | undefined {
  return day ? Date.parse(`${day}T23:59:59Z`) / 1000 : undefined;
}
