import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "../../api/client";
import { beginSession, type SignedIn, sessionQuery } from "../session/queries";

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
