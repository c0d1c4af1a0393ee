import {
  keepPreviousData,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";

export type Project = Schema["Project"];

export const projectsPerPage = 25;

export interface ProjectFilter {
  q: string;
  page: number;
}

export function projectsQuery({ q, page }: ProjectFilter) {
  return queryOptions({
    queryKey: ["projects", { q, page }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Project>(
        api.GET("/api/v2.0/projects", {
          params: {
            query: { q: contains("name", q), page, page_size: projectsPerPage, sort: "name" },
          },
          signal,
        }),
      ),
  });
}

export function useProjects(filter: ProjectFilter) {
  return useQuery(projectsQuery(filter));
}

/** The projects in which the caller has a role, of the first hundred that the caller may see. */
export function useMyProjects() {
  return useQuery({
    queryKey: ["projects", "mine"],
    queryFn: async ({ signal }) => {
      const query = { page: 1, page_size: 100, sort: "name" };
      const page = await pageOf<Project>(
        api.GET("/api/v2.0/projects", { params: { query }, signal }),
      );
      return page.items.filter((project) => (project.current_user_role_id ?? 0) > 0);
    },
  });
}

export function projectQuery(name: string) {
  return queryOptions({
    queryKey: ["projects", "one", name],
    queryFn: ({ signal }) =>
      bodyOf<Project>(
        api.GET("/api/v2.0/projects/{project_name_or_id}", {
          params: {
            path: { project_name_or_id: name },
            header: { "X-Is-Resource-Name": true },
          },
          signal,
        }),
      ),
  });
}

export function useProject(name: string, enabled = true) {
  return useQuery({ ...projectQuery(name), enabled });
}

/** Whether everyone signed in may create projects, or administrators only. */
export function useCreationRestricted(signedIn: boolean) {
  return useQuery({
    queryKey: ["systeminfo"],
    staleTime: 300_000,
    enabled: signedIn,
    queryFn: ({ signal }) =>
      bodyOf<Schema["GeneralInfo"]>(api.GET("/api/v2.0/systeminfo", { signal })),
    select: (info) => info.project_creation_restriction !== "everyone",
  });
}

export interface NewProject {
  name: string;
  isPublic: boolean;
}

export function useCreateProject() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ name, isPublic }: NewProject) => {
      const body = { project_name: name, metadata: { public: String(isPublic) } };
      await bodyOf(api.POST("/api/v2.0/projects", { body }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["projects"] }),
  });
}
