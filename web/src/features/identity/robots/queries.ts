import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, contains, pageOf, type Schema } from "../../../api/client";
import type { Permission } from "./rights";

export type Robot = Schema["Robot"];
export type CreatedRobot = Schema["RobotCreated"];

export const robotsPerPage = 25;

export function useRobots({ q, page, sort }: { q: string; page: number; sort: string }) {
  return useQuery({
    queryKey: ["robots", "system", { q, page, sort }],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      pageOf<Robot>(
        api.GET("/api/v2.0/robots", {
          params: { query: { q: contains("name", q), page, page_size: robotsPerPage, sort } },
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

function useForget() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["robots"] });
}

/** Makes a robot. Its secret is in this answer only, and is forgotten with the mutation. */
export function useCreateRobot() {
  const forget = useForget();
  return useMutation({
    gcTime: 0,
    mutationFn: (body: Schema["RobotCreate"]) =>
      bodyOf<CreatedRobot>(api.POST("/api/v2.0/robots", { body })),
    onSuccess: forget,
  });
}

/** Replaces a robot's settings; all of them have to be sent. */
export function useUpdateRobot() {
  const forget = useForget();
  return useMutation({
    mutationFn: ({ id, body }: { id: number; body: Schema["RobotUpdate"] }) =>
      bodyOf(api.PUT("/api/v2.0/robots/{robot_id}", { params: { path: { robot_id: id } }, body })),
    onSuccess: forget,
  });
}

/** All that an update has to say of a robot as it is. */
export function sameRobot(robot: Robot): Schema["RobotUpdate"] {
  return {
    name: robot.name ?? "",
    description: robot.description ?? "",
    level: robot.level ?? "system",
    disable: robot.disable,
    duration: robot.duration ?? -1,
    permissions: robot.permissions ?? [],
  };
}

export function useRenewSecret() {
  const forget = useForget();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ id, hours }: { id: number; hours: number }) =>
      bodyOf<Schema["RobotSec"]>(
        api.PATCH("/api/v2.0/robots/{robot_id}", {
          params: { path: { robot_id: id } },
          body: { secret: "", overlap_hours: hours },
        }),
      ),
    onSuccess: forget,
  });
}

export function useEndPreviousSecret() {
  const forget = useForget();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(
        api.DELETE("/api/haven/v1/robots/{robot_id}/previous-secret", {
          params: { path: { robot_id: id } },
        }),
      ),
    onSuccess: forget,
  });
}

/** Has lists read again, and not the page about what is gone: that is about to be left. */
function useForgetGone() {
  const client = useQueryClient();
  return () =>
    client.invalidateQueries({
      predicate: ({ queryKey: [first, second] }) => first === "robots" && second !== "one",
    });
}

export function useDeleteRobot() {
  const forget = useForgetGone();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/v2.0/robots/{robot_id}", { params: { path: { robot_id: id } } })),
    onSuccess: forget,
  });
}
