import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf } from "../../api/client";
import { sessionQuery } from "../session/queries";

export interface PasswordChange {
  userId: number;
  oldPassword: string;
  newPassword: string;
}

export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ userId, oldPassword, newPassword }: PasswordChange) => {
      await bodyOf(
        api.PUT("/api/v2.0/users/{user_id}/password", {
          params: { path: { user_id: userId } },
          body: { old_password: oldPassword, new_password: newPassword },
        }),
      );
    },
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  });
}
