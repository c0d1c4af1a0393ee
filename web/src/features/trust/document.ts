/** A trust policy as people write it; fields that are not known here stay as they are. */
export interface Document {
  signers?: Signer[];
  roots?: Record<string, Root>;
  require?: Requirement | null;
  signed_before_tag?: boolean;
}

export interface Signer {
  name: string;
  keys?: string[];
  identities?: Identity[];
  notation?: Notation | null;
}

export interface Identity {
  root: string;
  issuer?: string;
  issuer_regexp?: string;
  subject?: string;
  subject_regexp?: string;
}

export interface Notation {
  certificates: string;
  identities: string[];
  tsa?: string;
  revocation?: string;
  crls?: string;
}

export interface Root {
  trusted_root?: unknown;
  ca?: string;
  log?: string;
  ct_log?: string;
  tsa?: string;
}

export interface Attestation {
  predicate_type: string;
  by: string;
  builder?: string;
  rule?: string;
}

export interface Requirement {
  any_of?: Requirement[];
  all_of?: Requirement[];
  signed_by?: string;
  attestation?: Attestation | null;
}

/** Stands for each of the signers. */
export const anybody = "*";

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isTexts = (value: unknown) =>
  value === undefined || (Array.isArray(value) && value.every((each) => typeof each === "string"));

function isSigner(value: unknown): boolean {
  if (!isObject(value) || typeof value.name !== "string" || !isTexts(value.keys)) return false;
  const { identities, notation } = value;
  if (identities !== undefined && !(Array.isArray(identities) && identities.every(isObject))) {
    return false;
  }
  if (notation === undefined || notation === null) return true;
  return isObject(notation) && isTexts(notation.identities);
}

/** Reads a document well enough for the forms; the server says what is wrong with its contents. */
export function parse(text: string): Document | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    const { signers, roots, require } = value;
    if (signers !== undefined && !(Array.isArray(signers) && signers.every(isSigner))) {
      return undefined;
    }
    if (roots !== undefined && !(isObject(roots) && Object.values(roots).every(isObject))) {
      return undefined;
    }
    if (require !== undefined && require !== null && !isObject(require)) return undefined;
    return value as Document;
  } catch {
    return undefined;
  }
}

export function write(document: Document): string {
  return JSON.stringify(document, null, 2);
}

/** A requirement without rules in rules: what is demanded, all of it or any of it. */
export interface Demands {
  join: "any_of" | "all_of";
  list: Requirement[];
}

const isLeaf = (rule: Requirement) => !!rule.signed_by || !!rule.attestation;

/** The demands of a requirement; nothing of one that no form is for. */
export function demandsOf(require: Requirement | null | undefined): Demands | undefined {
  if (!require) return { join: "any_of", list: [] };
  if (isLeaf(require)) return { join: "any_of", list: [require] };
  const join = require.all_of ? "all_of" : "any_of";
  const list = require[join];
  return Array.isArray(list) && list.every(isLeaf) ? { join, list } : undefined;
}

export function requireOf({ join, list }: Demands): Requirement | undefined {
  const [first] = list;
  if (!first) return undefined;
  return list.length === 1 ? first : { [join]: list };
}

/** A document with parts of it changed; those that became nothing are gone. */
export function changed<T extends object>(
  whole: T,
  part: { [K in keyof T]?: T[K] | undefined },
): T {
  const all = Object.entries({ ...whole, ...part });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as T;
}
