import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failed, Loading } from "../../../ui/states";

interface Props<T> {
  query: UseQueryResult<T>;
  /** What can't be done without the answer, as a sentence. */
  what: string;
  rows?: number;
  children: (data: T) => ReactNode;
}

/** What the server answered, bars until it did, and what went wrong if it didn't. */
export function Shown<T>({ query, what, rows = 4, children }: Props<T>) {
  if (query.isPending) return <Loading rows={rows} />;
  if (query.isError && query.data === undefined)
    return <Failed what={what} error={query.error} retry={() => query.refetch()} />;
  return <>{children(query.data as T)}</>;
}
