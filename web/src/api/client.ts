import createClient from "openapi-fetch";
import { guardedFetch } from "./guard";
import { problemFrom } from "./problem";
import type { components, paths } from "./schema.gen";

export type Schema = components["schemas"];

export const api = createClient<paths>({ baseUrl: "", fetch: guardedFetch });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; any other answer is thrown as a Problem. */
export async function bodyOf<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw await problemFrom(response, error);
  return data as T;
}

/** One page of a listing, with the size of the whole. */
export interface Page<T> {
  items: T[];
  total: number;
}

/** The items of a listing's answer and the total its header gives. */
export async function pageOf<T>(answer: Promise<Answer<T[]>>): Promise<Page<T>> {
  const { data, error, response } = await answer;
  if (!response.ok) throw await problemFrom(response, error);
  const items = data ?? [];
  return { items, total: Number(response.headers.get("X-Total-Count") ?? items.length) };
}

/** A repository name as the API wants it in a path: escaped once more than the path itself. */
export function inPath(repository: string): string {
  return encodeURIComponent(repository);
}

/** A search text as a value of the API's `q`, where comma and the first character have meaning. */
export function contains(field: string, text: string): string | undefined {
  const clean = text.replaceAll(",", "").trim();
  return clean ? `${field}=~${encodeURIComponent(clean)}` : undefined;
}
