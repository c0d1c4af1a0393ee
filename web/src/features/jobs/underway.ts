import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf, type Schema } from "../../api/client";
import { useUser } from "../session/queries";
import { type Execution, executionQuery } from "./queries";

export const underwayKey = ["jobs", "underway"] as const;

/** How often is asked: while something goes on, and else. */
const [soon, late] = [2000, 20_000];

/** A page that only looks by itself keeps no session alive. */
const quiet = { "X-Harbor-No-Session-Renewal": "true" };

/** What goes on in the background: what the caller began, for administrators all. */
export function useUnderway() {
  const user = useUser();
  return useQuery({
    queryKey: underwayKey,
    enabled: !!user,
    queryFn: ({ signal }) =>
      bodyOf<Schema["JobsUnderway"]>(
        api.GET("/api/haven/v1/jobs/underway", { signal, headers: quiet }),
      ),
    refetchInterval: (query) =>
      query.state.data && query.state.data.executions.length > 0 ? soon : late,
  });
}

/** How many that have ended are kept in sight. */
const mostEnded = 5;

/** Those that went on and don't any more, the latest first, since the page is open. */
export function useEnded(going: Execution[] | undefined): {
  ended: Execution[];
  forget: () => void;
} {
  const [seen, setSeen] = useState<Execution[]>([]);
  const [ended, setEnded] = useState<Execution[]>([]);
  if (going && going !== seen) {
    const gone = seen.filter((each) => !going.some(({ id }) => id === each.id));
    setSeen(going);
    if (gone.length > 0) setEnded([...gone, ...ended].slice(0, mostEnded));
  }
  return { ended, forget: () => setEnded([]) };
}

/** How something ended: asked for until that is known. */
export function useEnd(execution: Execution): Execution {
  const end = useQuery({
    ...executionQuery(execution.id),
    refetchInterval: (query) => (query.state.data?.end_time ? false : soon),
  });
  return end.data ?? execution;
}
