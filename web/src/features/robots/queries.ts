import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../api/client";
import { useRenew } from "../../api/renew";
import type { Permission } from "./rights";

export type Robot = Schema["Robot"];

export const robotsPerPage = 25;

interface Filter {
  q: string;
  page: number;
  sort: string;
}

/** The robots of a project, by its number, or without one those of the registry. */
export function useRobots(projectId: number | undefined, { q, page, sort }: Filter) {
  const within = projectId === undefined ? [] : ["Level=project", `ProjectID=${projectId}`];
  const conditions = [...within, contains("name", q)].filter(Boolean).join(",");
  return useQuery({
    queryKey: ["robots", projectId ?? "registry", { q, page, sort }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Robot>(
        api.GET("/api/v2.0/robots", {
          params: { query: { q: conditions, page, page_size: robotsPerPage, sort } },
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

export interface Offered {
  system: Permission[];
  project: Permission[];
}

/** What robots may be given, by the caller. */
export function useOffered() {
  return useQuery({
    queryKey: ["permissions", "offered"],
    staleTime: 300_000,
    queryFn: ({ signal }) =>
      bodyOf<Schema["Permissions"]>(api.GET("/api/v2.0/permissions", { signal })),
    select: ({ system, project }): Offered => ({ system: system ?? [], project: project ?? [] }),
  });
}

const useChanged = () => useRenew("robots");

/** Makes a robot. Its secret is in this answer only, and is forgotten with the mutation. */
export function useMakeRobot() {
  const changed = useChanged();
  return useMutation({
    gcTime: 0,
    mutationFn: (body: Schema["RobotCreate"]) =>
      bodyOf<Schema["RobotCreated"]>(api.POST("/api/v2.0/robots", { body })),
    onSuccess: changed,
  });
}

/** Changes a robot; what isn't named stays. */
export function useChangeRobot(robot: Robot) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (change: Schema["RobotUpdate"]) => {
      const body = {
        name: robot.name ?? "",
        description: robot.description ?? "",
        level: robot.level ?? "system",
        disable: robot.disable,
        duration: robot.duration ?? -1,
        permissions: robot.permissions ?? [],
        ...change,
      };
      const params = { path: { robot_id: robot.id ?? 0 } };
      return bodyOf(api.PUT("/api/v2.0/robots/{robot_id}", { params, body }));
    },
    onSettled: changed,
  });
}

/** Gives a robot another secret; the one before stays good for some hours. */
export function useRenewSecret() {
  const changed = useChanged();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ robot, hours }: { robot: Robot; hours: number }) =>
      bodyOf<Schema["RobotSec"]>(
        api.PATCH("/api/v2.0/robots/{robot_id}", {
          params: { path: { robot_id: robot.id ?? 0 } },
          body: { secret: "", overlap_hours: hours },
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

/** Deletes a robot. Lists are read again, and not the page about what is gone: that is about to be left. */
export function useDeleteRobot() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (robot: Robot) =>
      bodyOf(
        api.DELETE("/api/v2.0/robots/{robot_id}", {
          params: { path: { robot_id: robot.id ?? 0 } },
        }),
      ),
    onSettled: () =>
      void client.invalidateQueries({
        predicate: ({ queryKey: [first, second] }) => first === "robots" && second !== "one",
      }),
  });
}
