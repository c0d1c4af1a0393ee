import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { useUser } from "./queries";

/** Whether the caller may do something to a resource, in the API's words. */
export type May = (resource: string, action: string) => boolean;

const nothing: May = () => false;

function mayOf(permissions: Schema["Permission"][]): May {
  const known = new Set(permissions.map(({ resource, action }) => `${resource} ${action}`));
  return (resource, action) => known.has(`${resource} ${action}`);
}

/**
 * What the caller may do in a project, as the server says; nothing until it did, so that no button
 * shows up that is then taken away.
 */
export function useMay(projectId: number | undefined): May {
  const user = useUser();
  const permissions = useQuery({
    queryKey: ["permissions", projectId],
    enabled: !!user && projectId !== undefined,
    queryFn: ({ signal }) =>
      bodyOf<Schema["Permission"][]>(
        api.GET("/api/v2.0/users/current/permissions", {
          params: { query: { scope: `/project/${projectId}`, relative: true } },
          signal,
        }),
      ),
    select: mayOf,
  });
  return permissions.data ?? nothing;
}
