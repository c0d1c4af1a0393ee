import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { beginSession, type SignedIn, sessionQuery, useProvider } from "../session/queries";

const profileQuery = queryOptions({
  queryKey: ["profile"],
  gcTime: 0, // it has a secret in it
  queryFn: ({ signal }) =>
    bodyOf<Schema["UserResp"]>(api.GET("/api/v2.0/users/current", { signal })),
});

/** What is known of me, asked only where there is a provider that may have brought me. */
export function useProfile() {
  const provider = useProvider();
  return useQuery({ ...profileQuery, enabled: provider !== null });
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
