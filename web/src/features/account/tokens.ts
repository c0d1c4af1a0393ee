import { useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";

export type Token = Schema["PersonalToken"];
export type MadeToken = Schema["PersonalTokenMade"];
export type Session = Schema["Session"];

/** Whose tokens and sessions: a user that an administrator looks at, or the caller. */
type Of = number | undefined;

function listOf(of: Of) {
  return { page_size: 100, ...(of !== undefined && { user_id: of }) };
}

export function useTokens(of?: Of) {
  return useQuery({
    queryKey: ["tokens", of ?? "mine"],
    queryFn: ({ signal }) =>
      pageOf<Token>(api.GET("/api/haven/v1/tokens", { params: { query: listOf(of) }, signal })),
  });
}

export function useSessions(of?: Of) {
  return useQuery({
    queryKey: ["sessions", of ?? "mine"],
    queryFn: ({ signal }) =>
      pageOf<Session>(api.GET("/api/haven/v1/sessions", { params: { query: listOf(of) }, signal })),
  });
}

/** What a new token may do: everything its owner may, or work with images. */
export type Rights = "pull" | "push" | "everything";

export interface NewToken {
  name: string;
  /** Name of a project, "" for all. */
  project: string;
  rights: Rights;
  /** Days until it ends, 0 for never. */
  days: number;
}

const pull = [
  ["repository", "pull"],
  ["repository", "list"],
  ["repository", "read"],
  ["artifact", "list"],
  ["artifact", "read"],
  ["tag", "list"],
];
const push = [...pull, ["repository", "push"], ["tag", "create"]];

/** The request that makes a token. */
export function requestOf(token: NewToken, now: Date): Schema["PersonalTokenCreate"] {
  const pairs = { pull, push, everything: [["*", "*"]] }[token.rights];
  const access = pairs.map(([resource, action]) => ({ resource, action }));
  const permissions = [{ kind: "project", namespace: token.project.trim() || "*", access }];
  if (token.rights === "everything" && !token.project.trim())
    permissions.push({ kind: "system", namespace: "/", access });
  const request = { name: token.name.trim(), permissions };
  if (!token.days) return request;
  return {
    ...request,
    expires_at: new Date(now.getTime() + token.days * 86_400_000).toISOString(),
  };
}

/** Makes a token. Its text is in this answer only, and is forgotten with the mutation. */
export function useMakeToken() {
  return useMutation({
    gcTime: 0,
    mutationFn: (token: NewToken) =>
      bodyOf<MadeToken>(api.POST("/api/haven/v1/tokens", { body: requestOf(token, new Date()) })),
    onSuccess: useRenew("tokens"),
  });
}

export function useRevokeToken() {
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/haven/v1/tokens/{token_id}", { params: { path: { token_id: id } } })),
    onSettled: useRenew("tokens"),
  });
}

export function useEndSession() {
  return useMutation({
    mutationFn: (id: string) =>
      bodyOf(
        api.DELETE("/api/haven/v1/sessions/{session_id}", { params: { path: { session_id: id } } }),
      ),
    onSettled: useRenew("sessions"),
  });
}

/** Ends all sessions of somebody, but the one that asks. */
export function useEndSessions(of?: Of) {
  return useMutation({
    mutationFn: () =>
      bodyOf(
        api.DELETE("/api/haven/v1/sessions", {
          params: { query: of === undefined ? {} : { user_id: of } },
        }),
      ),
    onSettled: useRenew("sessions"),
  });
}
