/** A package as a bill of materials lists it. */
export interface BilledPackage {
  key: string;
  name: string;
  version: string;
  licence: string;
  /** The package's address in the form `pkg:deb/debian/curl@7.88`. */
  purl: string;
}

type Fields = Record<string, unknown>;

const word = (value: unknown) => (typeof value === "string" ? value : "");
const known = (text: string) => (text === "NOASSERTION" || text === "NONE" ? "" : text);

function purlOf(fields: Fields): string {
  const all = Array.isArray(fields.externalRefs) ? (fields.externalRefs as Fields[]) : [];
  return word(all.find((each) => each?.referenceType === "purl")?.referenceLocator);
}

/** The packages of an SPDX document, by name. What is no document has none. */
export function packagesOf(text: string): BilledPackage[] {
  const document = parsed(text);
  const all = Array.isArray(document.packages) ? (document.packages as unknown[]) : [];
  return all
    .filter((each): each is Fields => !!each && typeof each === "object")
    .map((each, index) => ({
      key: String(index),
      name: word(each.name),
      version: word(each.versionInfo),
      licence: known(word(each.licenseConcluded)) || known(word(each.licenseDeclared)),
      purl: purlOf(each),
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name, "en"));
}

function parsed(text: string): Fields {
  try {
    const document = JSON.parse(text) as unknown;
    return document && typeof document === "object" ? (document as Fields) : {};
  } catch {
    return {};
  }
}

export function matching(all: BilledPackage[], q: string): BilledPackage[] {
  const text = q.trim().toLowerCase();
  if (!text) return all;
  return all.filter((each) =>
    [each.name, each.version, each.licence, each.purl].join("\n").toLowerCase().includes(text),
  );
}
