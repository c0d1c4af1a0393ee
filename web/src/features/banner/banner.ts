export type Tone = "success" | "info" | "warning" | "danger";

/** A message to everybody. */
export interface Banner {
  message: string;
  tone: Tone;
  closable: boolean;
}

const tones: readonly string[] = ["success", "info", "warning", "danger"];

/**
 * Reads a banner as the configuration has it: a plain text, or what Harbor's pages write: JSON with `message`, `type`,
 * `closable`, and `fromDate` and `toDate`, days like 10/31/2026 between which it is shown.
 */
export function readBanner(text: string | null | undefined, now = new Date()): Banner | undefined {
  const plain = text?.trim();
  if (!plain) return undefined;
  const fields = fieldsOf(plain);
  if (!fields) return { message: plain, tone: "info", closable: true };
  const { message, type, closable, fromDate, toDate } = fields;
  if (typeof message !== "string" || !message.trim()) return undefined;
  const from = dayOf(fromDate);
  const to = dayOf(toDate);
  if (from && now < from) return undefined;
  if (to && now.getTime() >= to.getTime() + 86_400_000) return undefined;
  const tone = tones.includes(String(type)) ? (type as Tone) : "info";
  return { message, tone, closable: closable !== false };
}

function fieldsOf(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function dayOf(value: unknown): Date | undefined {
  const found = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(String(value ?? ""));
  return found ? new Date(Number(found[3]), Number(found[1]) - 1, Number(found[2])) : undefined;
}
