import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { guardedFetch } from "../../api/guard";
import { problemFrom } from "../../api/problem";
import { systemInfoQuery } from "../../api/systeminfo";

/** Who is signed in in this browser. */
export interface SignedIn {
  user_id: number;
  username: string;
  realname: string;
  sysadmin_flag: boolean;
  /** The password is the one that the first start wrote to a file. */
  password_generated: boolean;
}

/** The OpenID provider by which one may sign in here. */
export interface Provider {
  /** How the administrator calls it; may be empty. */
  name: string;
  /** The sign-in page goes there at once. */
  primary: boolean;
}

interface Session {
  user: SignedIn | null;
  oidc?: Provider | null;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: 60_000,
  queryFn: async ({ signal }): Promise<Session> => {
    const response = await guardedFetch(new Request("/c/session", { signal }));
    if (!response.ok) throw await problemFrom(response);
    return (await response.json()) as Session;
  },
});

const userOf = (session: Session) => session.user;
const providerOf = (session: Session) => session.oidc ?? null;

export function useSession() {
  return useQuery({ ...sessionQuery, select: userOf });
}

/** The provider to sign in by, null while there is none or it is unknown. */
export function useProvider(): Provider | null {
  return useQuery({ ...sessionQuery, select: providerOf }).data ?? null;
}

/** How people sign in by name and password, in the API's words; nothing until it is known. */
export function useAuthMode(): string | undefined {
  const info = useQuery({
    ...systemInfoQuery,
    retry: false,
  });
  return info.data?.auth_mode;
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

/** Where the provider is to hear of a sign-out first, the server says so. */
async function farewellAddress(response: Response): Promise<string | undefined> {
  if (response.status !== 403) return undefined;
  const body = (await response
    .clone()
    .json()
    .catch(() => ({}))) as { redirect_location?: string };
  return body.redirect_location;
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
      const farewell = await farewellAddress(response);
      if (!farewell && !response.ok) throw await problemFrom(response);
      return farewell;
    },
    onSuccess: async (farewell) => {
      if (farewell) {
        window.location.assign(farewell);
        return;
      }
      client.removeQueries({ type: "inactive" });
      client.setQueryData(sessionQuery.queryKey, (before) => before && { ...before, user: null });
      await leave();
      await client.resetQueries({ predicate: (query) => query.queryKey[0] !== "session" });
    },
  });
}

/** Makes the account of somebody whom the provider brought, and leaves for the page they came for. */
export function useOnboard() {
  return useMutation({
    mutationFn: async (username: string) => {
      const body = JSON.stringify({ username });
      const headers = { "Content-Type": "application/json" };
      const response = await guardedFetch(
        new Request("/c/oidc/onboard", { method: "POST", body, headers }),
      );
      if (!response.ok) throw await problemFrom(response);
      return ((await response.json()) as { redirect_url: string }).redirect_url;
    },
    onSuccess: (next) => window.location.assign(next),
  });
}
