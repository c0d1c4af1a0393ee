import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { guardedFetch } from "../../api/guard";
import { problemFrom } from "../../api/problem";

/** Who is signed in in this browser. */
export interface SignedIn {
  user_id: number;
  username: string;
  realname: string;
  sysadmin_flag: boolean;
  /** The password is the one that the first start wrote to a file. */
  password_generated: boolean;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<SignedIn | null> => {
    const response = await guardedFetch(new Request("/c/session", { signal }));
    if (!response.ok) throw await problemFrom(response);
    return ((await response.json()) as { user: SignedIn | null }).user;
  },
});

export function useSession() {
  return useQuery(sessionQuery);
}

/** Who is signed in, once that is known; nobody before. */
export function useUser(): SignedIn | null {
  return useSession().data ?? null;
}

export interface Credentials {
  principal: string;
  password: string;
}

/** Begins a session on the server. */
export async function beginSession(credentials: Credentials): Promise<void> {
  const body = new URLSearchParams({ ...credentials });
  const response = await guardedFetch(new Request("/c/login", { method: "POST", body }));
  if (!response.ok) throw await problemFrom(response);
}

/** Signs in. Everything that was read as somebody else is forgotten. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: beginSession,
    onSuccess: () => client.resetQueries(),
  });
}

/**
 * Ends the session, here and on the server, and leaves the page by `leave`. What the page showed is
 * forgotten only after it is left, so that it isn't asked for again as nobody.
 */
export function useSignOut(leave: () => Promise<void>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const response = await guardedFetch(new Request("/c/log_out"));
      if (!response.ok) throw await problemFrom(response);
    },
    onSuccess: async () => {
      client.removeQueries({ type: "inactive" });
      client.setQueryData(sessionQuery.queryKey, null);
      await leave();
      await client.resetQueries({ predicate: (query) => query.queryKey[0] !== "session" });
    },
  });
}
