import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../../api/client";
import { asProblem } from "../../../api/problem";
import { useRenew } from "../../../api/renew";

export type Group = Schema["UserGroup"];

export const ldapGroup = 1;
export const oidcGroup = 3;
export const groupsPerPage = 25;

export function useGroups({ q, page, sort }: { q: string; page: number; sort: string }) {
  return useQuery({
    queryKey: ["usergroups", { q, page, sort }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Group>(
        api.GET("/api/v2.0/usergroups", {
          params: { query: { q: contains("group_name", q), page, page_size: groupsPerPage, sort } },
          signal,
        }),
      ),
  });
}

/** Looks for groups in the directory. None is an empty list, not a failure. */
export function useSearchGroups() {
  return useMutation({
    mutationFn: async (groupname: string): Promise<Group[]> => {
      try {
        const found = await bodyOf<Group[] | null>(
          api.GET("/api/v2.0/ldap/groups/search", { params: { query: { groupname } } }),
        );
        return found ?? [];
      } catch (error) {
        if (asProblem(error).status === 404) return [];
        throw error;
      }
    },
  });
}

const useForget = () => useRenew("usergroups");

export function useCreateGroup() {
  const forget = useForget();
  return useMutation({
    mutationFn: (body: Group) => bodyOf(api.POST("/api/v2.0/usergroups", { body })),
    onSuccess: forget,
  });
}

export function useRenameGroup() {
  const forget = useForget();
  return useMutation({
    mutationFn: ({ id, name }: { id: number; name: string }) =>
      bodyOf(
        api.PUT("/api/v2.0/usergroups/{group_id}", {
          params: { path: { group_id: id } },
          body: { group_name: name },
        }),
      ),
    onSuccess: forget,
  });
}

export function useDeleteGroup() {
  const forget = useForget();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/v2.0/usergroups/{group_id}", { params: { path: { group_id: id } } })),
    onSuccess: forget,
  });
}
