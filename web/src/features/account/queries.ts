import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { beginSession, type SignedIn, sessionQuery } from "../session/queries";

const profileQuery = queryOptions({
  queryKey: ["profile"],
  gcTime: 0, // it has a secret in it
  queryFn: ({ signal }) =>
    bodyOf<Schema["UserResp"]>(api.GET("/api/v2.0/users/current", { signal })),
});

/** What is known of me. */
export function useProfile() {
  return useQuery(profileQuery);
}

interface ProfileChange {
  id: number;
  profile: Schema["UserProfile"];
}

/** Changes e-mail, name and remark of an account. */
export function useSaveProfile() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, profile }: ProfileChange) =>
      bodyOf(
        api.PUT("/api/v2.0/users/{user_id}", { params: { path: { user_id: id } }, body: profile }),
      ),
    onSuccess: () =>
      Promise.all(
        ["profile", "users", "session"].map((key) => client.invalidateQueries({ queryKey: [key] })),
      ),
  });
}

/** Replaces the CLI secret by a random one. */
export function useNewSecret() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (user: number) =>
      bodyOf(
        api.PUT("/api/v2.0/users/{user_id}/cli_secret", {
          params: { path: { user_id: user } },
          body: {},
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: profileQuery.queryKey }),
  });
}

export interface PasswordChange {
  user: SignedIn;
  oldPassword: string;
  newPassword: string;
}

/** Changes a password. That ends every session of the account, so this one begins again. */
export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ user, oldPassword, newPassword }: PasswordChange) => {
      await bodyOf(
        api.PUT("/api/v2.0/users/{user_id}/password", {
          params: { path: { user_id: user.user_id } },
          body: { old_password: oldPassword, new_password: newPassword },
        }),
      );
      await beginSession({ principal: user.username, password: newPassword });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  });
}
