/** The parameters of an address, as they came. */
export type Search = Record<string, unknown>;

/** A text, or nothing of anything else. */
export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** Whether an address is a path of this portal, and nothing that leads elsewhere. */
export function ownPath(path: string): boolean {
  return /^\/(?![/\\])[^\\]*$/.test(path);
}

function pageNumber(value: unknown): number {
  const page = Number(value);
  return Number.isSafeInteger(page) && page > 0 ? page : 1;
}

/** Filter, order and page of a listing; what is at its default stays out of the address. */
export interface ListSearch {
  q?: string;
  page?: number;
  /** As in the API: a field, with a minus before it for descending. */
  sort?: string;
}

export function listSearch(search: Search): ListSearch {
  const page = pageNumber(search.page);
  return {
    ...(text(search.q) && { q: text(search.q) }),
    ...(page > 1 && { page }),
    ...(text(search.sort) && { sort: text(search.sort) }),
  };
}
