import { useQueries } from "@tanstack/react-query";
import { api, pageOf, type Schema } from "../../api/client";
import { useMyProjects } from "../projects/queries";
import type { SignedIn } from "../session/queries";

export type Robot = Schema["Robot"];

/** So many projects are asked for robots; each is a request. */
const most = 20;

/** Where robots are looked for: the registry for its administrators, and the projects that one administers. */
function useHomes(user: SignedIn): string[] {
  const projects = useMyProjects();
  const own = (projects.data ?? [])
    .filter((project) => project.current_user_role_id === 1)
    .slice(0, most)
    .map((project) => `Level=project,ProjectID=${project.project_id}`);
  return user.sysadmin_flag ? ["Level=system", ...own] : own;
}

/** The robots that somebody made, as far as the server tells them. Nothing until all have answered. */
export function useMyRobots(user: SignedIn): Robot[] {
  const homes = useHomes(user);
  return useQueries({
    queries: homes.map((home) => ({
      queryKey: ["robots", "mine", home, user.user_id],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        pageOf<Robot>(
          api.GET("/api/v2.0/robots", {
            params: { query: { q: `${home},creator_ref=${user.user_id}`, page_size: 100 } },
            signal,
          }),
        ),
    })),
    combine: (answers) =>
      answers.some((answer) => answer.isPending)
        ? []
        : answers
            .flatMap((answer) => answer.data?.items ?? [])
            .filter((robot) => robot.creator_type !== "robot"),
  });
}
