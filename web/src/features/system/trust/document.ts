/** What a policy says about signers, as far as words of it are shown. */
export interface Document {
  signers?: { name?: string; keys?: unknown[]; identities?: unknown[]; notation?: unknown }[];
  roots?: Record<string, unknown>;
  require?: Rule;
  signed_before_tag?: boolean;
}

export interface Rule {
  signed_by?: string;
  attestation?: { predicate_type?: string; by?: string };
  any_of?: Rule[];
  all_of?: Rule[];
}

type Read = { document: Document } | { fault: string; line: number | undefined };

/** Reads a text as a policy: what it says, or where it isn't JSON. What it means the server judges. */
export function readDocument(text: string): Read {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return { fault: "{ … }", line: 1 };
    return { document: value as Document };
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { fault, line: lineOf(fault, text) };
  }
}

/** The line of which a fault speaks; engines say it in different words. */
function lineOf(fault: string, text: string): number | undefined {
  const line = /line (\d+)/.exec(fault);
  if (line) return Number(line[1]);
  const position = /position (\d+)/.exec(fault);
  if (position) return text.slice(0, Number(position[1])).split("\n").length;
  return undefined;
}
