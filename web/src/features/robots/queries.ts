import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";
import type { Right } from "./rights";

export type Robot = Schema["Robot"];

export const robotsPerPage = 25;

interface Filter {
  q: string;
  page: number;
  sort: string;
}

export function useRobots(projectId: number, { q, page, sort }: Filter) {
  const conditions = ["Level=project", `ProjectID=${projectId}`, contains("name", q)];
  return useQuery({
    queryKey: ["robots", projectId, { q, page, sort }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Robot>(
        api.GET("/api/v2.0/robots", {
          params: {
            query: {
              q: conditions.filter(Boolean).join(","),
              page,
              page_size: robotsPerPage,
              sort,
            },
          },
          signal,
        }),
      ),
  });
}

export function useRobot(id: number) {
  return useQuery({
    queryKey: ["robots", "one", id],
    queryFn: ({ signal }) =>
      bodyOf<Robot>(
        api.GET("/api/v2.0/robots/{robot_id}", { params: { path: { robot_id: id } }, signal }),
      ),
  });
}

/** What robots of projects may be given at all. */
export function useGrantable() {
  return useQuery({
    queryKey: ["permissions", "grantable"],
    staleTime: 300_000,
    queryFn: async ({ signal }) => {
      const all = await bodyOf<Schema["Permissions"]>(api.GET("/api/v2.0/permissions", { signal }));
      return (all.project ?? []).map(({ resource = "", action = "" }) => ({ resource, action }));
    },
  });
}

/** A robot as it is typed. */
export interface Draft {
  name: string;
  description: string;
  /** Days from its creation, -1 for ever. */
  duration: number;
  rights: Right[];
}

function permissions(project: string, rights: Right[]): Schema["RobotPermission"][] {
  return [{ kind: "project", namespace: project, access: rights }];
}

function useChanged() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["robots"] });
}

/** Makes a robot. Its secret is in this answer only, and is forgotten with the mutation. */
export function useMakeRobot(project: string) {
  const changed = useChanged();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ rights, ...rest }: Draft) =>
      bodyOf<Schema["RobotCreated"]>(
        api.POST("/api/v2.0/robots", {
          body: { ...rest, level: "project", permissions: permissions(project, rights) },
        }),
      ),
    onSuccess: changed,
  });
}

export interface RobotChange {
  robot: Robot;
  description?: string;
  duration?: number;
  disable?: boolean;
  rights?: Right[];
}

/** Changes a robot; what isn't named stays. */
export function useChangeRobot(project: string) {
  const changed = useChanged();
  return useMutation({
    mutationFn: ({ robot, rights, ...change }: RobotChange) => {
      const { name = "", level = "", description = "", duration, disable } = robot;
      const body = {
        name,
        level,
        description,
        disable,
        ...(duration !== undefined && { duration }),
        ...change,
        permissions: rights ? permissions(project, rights) : (robot.permissions ?? []),
      };
      const params = { path: { robot_id: robot.id ?? 0 } };
      return bodyOf(api.PUT("/api/v2.0/robots/{robot_id}", { params, body }));
    },
    onSettled: changed,
  });
}

/** Gives a robot another secret; the one before stays good for some hours. */
export function useRefreshSecret() {
  const changed = useChanged();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ robot, hours }: { robot: Robot; hours: number }) =>
      bodyOf<Schema["RobotSec"]>(
        api.PATCH("/api/v2.0/robots/{robot_id}", {
          params: { path: { robot_id: robot.id ?? 0 } },
          body: { secret: "", ...(hours > 0 && { overlap_hours: hours }) },
        }),
      ),
    onSuccess: changed,
  });
}

export function useEndPrevious() {
  const changed = useChanged();
  return useMutation({
    mutationFn: (robot: Robot) =>
      bodyOf(
        api.DELETE("/api/haven/v1/robots/{robot_id}/previous-secret", {
          params: { path: { robot_id: robot.id ?? 0 } },
        }),
      ),
    onSettled: changed,
  });
}

export function useDeleteRobot() {
  const changed = useChanged();
  return useMutation({
    mutationFn: (robot: Robot) =>
      bodyOf(
        api.DELETE("/api/v2.0/robots/{robot_id}", {
          params: { path: { robot_id: robot.id ?? 0 } },
        }),
      ),
    onSettled: changed,
  });
}
