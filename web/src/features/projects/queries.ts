import {
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueries,
  useQuery,
} from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";
import { systemInfoQuery } from "../../api/systeminfo";

export type Project = Schema["Project"];
export type Quota = Schema["Quota"];

export const projectsPerPage = 25;

/** Which projects: all, the public or the private ones, or those in which the caller has a role. */
export type Which = "public" | "private" | "mine";

export interface ProjectFilter {
  q: string;
  page: number;
  sort?: string;
  which?: Which | undefined;
}

function narrowed(which: Which | undefined) {
  if (which === "mine") return { mine: true };
  return which ? { public: which === "public" } : {};
}

export function projectsQuery({ q, page, sort = "name", which }: ProjectFilter) {
  return queryOptions({
    queryKey: ["projects", { q, page, sort, which }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Project>(
        api.GET("/api/v2.0/projects", {
          params: {
            query: {
              q: contains("name", q),
              page,
              page_size: projectsPerPage,
              sort,
              ...narrowed(which),
            },
          },
          signal,
        }),
      ),
  });
}

export function useProjects(filter: ProjectFilter) {
  return useQuery(projectsQuery(filter));
}

/** A few projects with the text in their names. */
export function useFoundProjects(q: string) {
  return useQuery({
    queryKey: ["projects", "found", q],
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    queryFn: ({ signal }) =>
      pageOf<Project>(
        api.GET("/api/v2.0/projects", {
          params: { query: { q: contains("name", q), page: 1, page_size: 12, sort: "name" } },
          signal,
        }),
      ),
  });
}

/** The first hundred of the projects in which the caller has a role. */
export function useMyProjects() {
  return useQuery({
    queryKey: ["projects", "mine"],
    queryFn: async ({ signal }) => {
      const query = { page: 1, page_size: 100, sort: "name", mine: true };
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

/** Counts of a project, and of its quota and members what the caller may know. */
export function useProjectSummary(project: string) {
  return useQuery({
    queryKey: ["projects", "summary", project],
    queryFn: ({ signal }) =>
      bodyOf<Schema["ProjectSummary"]>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/summary", {
          params: {
            path: { project_name_or_id: project },
            header: { "X-Is-Resource-Name": true },
          },
          signal,
        }),
      ),
  });
}

/** The hundred projects that take the most room, for administrators. */
export function useLargest(enabled: boolean) {
  return useQuery({
    queryKey: ["projects", "quotas"],
    enabled,
    queryFn: ({ signal }) =>
      pageOf<Quota>(
        api.GET("/api/v2.0/quotas", {
          params: { query: { page: 1, page_size: 100, sort: "-used.storage" } },
          signal,
        }),
      ),
  });
}

/** What projects use, by their ids: known from the largest, else asked for one by one. */
export function useStorage(projects: Project[], enabled: boolean): Map<number, number> {
  const largest = useLargest(enabled);
  const known = new Map((largest.data?.items ?? []).map((q) => [q.id ?? 0, q.used.storage ?? 0]));
  const missing = largest.data
    ? projects.map((project) => project.project_id ?? 0).filter((id) => !known.has(id))
    : [];
  const others = useQueries({
    queries: missing.map((id) => ({
      queryKey: ["projects", "quotas", id],
      enabled,
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        bodyOf<Quota>(api.GET("/api/v2.0/quotas/{id}", { params: { path: { id } }, signal })),
    })),
  });
  for (const { data } of others) if (data) known.set(data.id ?? 0, data.used.storage ?? 0);
  return known;
}

/** Whether everyone signed in may create projects, or administrators only. */
export function useCreationRestricted(signedIn: boolean) {
  return useQuery({
    ...systemInfoQuery,
    enabled: signedIn,
    select: (info) => info.project_creation_restriction !== "everyone",
  });
}

/** The registries elsewhere of which a project may be a cache, for administrators. */
export function useRegistries(enabled: boolean) {
  return useQuery({
    queryKey: ["registries", "choice"],
    enabled,
    queryFn: ({ signal }) =>
      bodyOf<Schema["Registry"][]>(
        api.GET("/api/v2.0/registries", {
          params: { query: { page_size: 0, sort: "name" } },
          signal,
        }),
      ),
  });
}

export interface NewProject {
  name: string;
  isPublic: boolean;
  /** Bytes, -1 for no limit; nothing for the registry's usual one. */
  limit?: number | undefined;
  /** The registry elsewhere that it is a cache of. */
  registry?: number | undefined;
  /** KiB a second that the cache may fetch, -1 for all that there is. */
  speed?: number | undefined;
}

export function useCreateProject() {
  return useMutation({
    mutationFn: async ({ name, isPublic, limit, registry, speed }: NewProject) => {
      const metadata = {
        public: String(isPublic),
        ...(registry && speed !== undefined && { proxy_speed_kb: String(speed) }),
      };
      const body = {
        project_name: name,
        metadata,
        ...(limit !== undefined && { storage_limit: limit }),
        ...(registry && { registry_id: registry }),
      };
      await bodyOf(api.POST("/api/v2.0/projects", { body }));
    },
    onSuccess: useRenew("projects"),
  });
}
