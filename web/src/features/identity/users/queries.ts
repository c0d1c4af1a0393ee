import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../../api/client";
import { useRenew } from "../../../api/renew";

export type User = Schema["UserResp"];

export const usersPerPage = 25;

export interface UserFilter {
  q: string;
  page: number;
  sort: string;
  admins: boolean;
}

export function useUsers({ q, page, sort, admins }: UserFilter) {
  return useQuery({
    queryKey: ["users", { q, page, sort, admins }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<User>(
        api.GET("/api/v2.0/users", {
          params: {
            query: {
              q: [contains("username", q), admins && "sysadmin_flag=true"]
                .filter(Boolean)
                .join(","),
              page,
              page_size: usersPerPage,
              sort,
            },
          },
          signal,
        }),
      ),
  });
}

export function useOneUser(id: number) {
  return useQuery({
    queryKey: ["users", "one", id],
    queryFn: ({ signal }) =>
      bodyOf<User>(
        api.GET("/api/v2.0/users/{user_id}", { params: { path: { user_id: id } }, signal }),
      ),
  });
}

const useForget = () => useRenew("users", "tokens", "sessions", "configurations");

export type NewUser = Required<Schema["UserCreationReq"]>;

export function useCreateUser() {
  const forget = useForget();
  return useMutation({
    gcTime: 0, // a password is in it
    mutationFn: (body: NewUser) => bodyOf(api.POST("/api/v2.0/users", { body })),
    onSuccess: forget,
  });
}

export function useSetAdministrator() {
  const forget = useForget();
  return useMutation({
    mutationFn: ({ id, administrator }: { id: number; administrator: boolean }) =>
      bodyOf(
        api.PUT("/api/v2.0/users/{user_id}/sysadmin", {
          params: { path: { user_id: id } },
          body: { sysadmin_flag: administrator },
        }),
      ),
    onSuccess: forget,
  });
}

export function useSetPassword() {
  const forget = useForget();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ id, password }: { id: number; password: string }) =>
      bodyOf(
        api.PUT("/api/v2.0/users/{user_id}/password", {
          params: { path: { user_id: id } },
          body: { new_password: password },
        }),
      ),
    onSuccess: forget,
  });
}

/** Has lists read again, and not the page about what is gone: that is about to be left. */
function useForgetGone() {
  const client = useQueryClient();
  return () =>
    void client.invalidateQueries({
      predicate: ({ queryKey: [first, second] }) =>
        first === "configurations" || (first === "users" && second !== "one"),
    });
}

export function useDeleteUser() {
  const forget = useForgetGone();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/v2.0/users/{user_id}", { params: { path: { user_id: id } } })),
    onSuccess: forget,
  });
}
