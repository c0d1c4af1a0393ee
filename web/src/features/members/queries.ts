import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";

export type Member = Schema["ProjectMemberEntity"];
export type NewMember = Schema["ProjectMember"];

export const membersPerPage = 25;

function place(project: string) {
  return {
    path: { project_name_or_id: project },
    header: { "X-Is-Resource-Name": true },
  };
}

export function useMembers(project: string, { q, page }: { q: string; page: number }) {
  return useQuery({
    queryKey: ["members", project, { q, page }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      // As every listing, this one takes `q`; its own `entityname` is for whole names.
      const found = contains("entity_name", q);
      const query = { page, page_size: membersPerPage, ...(found && { q: found }) };
      return pageOf<Member>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/members", {
          params: { ...place(project), query },
          signal,
        }),
      );
    },
  });
}

/** Names of people that begin or contain what is typed. */
export function useFoundUsers(text: string) {
  return useQuery({
    queryKey: ["users", "found", text],
    enabled: text.trim() !== "",
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      bodyOf<Schema["UserSearchRespItem"][]>(
        api.GET("/api/v2.0/users/search", {
          params: { query: { username: text.trim(), page_size: 10 } },
          signal,
        }),
      ),
  });
}

/** Groups that the registry knows by a part of their names. */
export function useFoundGroups(text: string) {
  return useQuery({
    queryKey: ["usergroups", "found", text],
    enabled: text.trim() !== "",
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      bodyOf<Schema["UserGroupSearchItem"][]>(
        api.GET("/api/v2.0/usergroups/search", {
          params: { query: { groupname: text.trim(), page_size: 10 } },
          signal,
        }),
      ),
  });
}

/** Who is in a project changes what it is summed up to, and maybe what the caller may do. */
const useChanged = () => useRenew("members", "projects", "permissions");

export function useAddMember(project: string) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (body: NewMember) =>
      bodyOf(
        api.POST("/api/v2.0/projects/{project_name_or_id}/members", {
          params: place(project),
          body,
        }),
      ),
    onSuccess: changed,
  });
}

export interface RoleChange {
  member: Member;
  role: number;
}

export function useChangeRole(project: string) {
  const changed = useChanged();
  return useMutation({
    mutationFn: ({ member, role }: RoleChange) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name_or_id}/members/{mid}", {
          params: {
            path: { project_name_or_id: project, mid: member.id ?? 0 },
            header: { "X-Is-Resource-Name": true },
          },
          body: { role_id: role },
        }),
      ),
    onSettled: changed,
  });
}

/** What makes somebody a member again who was removed. */
export function againOf(member: Member): NewMember {
  const role = member.role_id ?? 0;
  if (member.entity_type === "g") {
    return { role_id: role, member_group: { id: member.entity_id ?? 0 } };
  }
  return { role_id: role, member_user: { user_id: member.entity_id ?? 0 } };
}

export function useRemoveMember(project: string) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (member: Member) =>
      bodyOf(
        api.DELETE("/api/v2.0/projects/{project_name_or_id}/members/{mid}", {
          params: {
            path: { project_name_or_id: project, mid: member.id ?? 0 },
            header: { "X-Is-Resource-Name": true },
          },
        }),
      ),
    onSettled: changed,
  });
}
