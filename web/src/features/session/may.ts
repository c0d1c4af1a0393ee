import { useQuery } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../api/client";
import { useSession, useUser } from "./queries";

/** Whether the caller may do something to a resource, in the API's words. */
export type May = (resource: string, action: string) => boolean;

/** What nobody in particular may, and everybody before it is known. */
export const nothing: May = () => false;

/** The API calls a project itself a dot, where its resources are relative to it. */
function mayOf(permissions: Schema["Permission"][]): May {
  const known = new Set(
    permissions.map(
      ({ resource, action }) => `${resource === "." ? "project" : resource} ${action}`,
    ),
  );
  return (resource, action) => known.has(`${resource} ${action}`);
}

function usePermissions(projectId: number | undefined) {
  const user = useUser();
  return useQuery({
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
}

/**
 * What the caller may do in a project, as the server says; nothing until it did, so that no button
 * shows up that is then taken away.
 */
export function useMay(projectId: number | undefined): May {
  return useKnownMay(projectId) ?? nothing;
}

/** The same, undefined until the server said it. Nobody may nothing; so does one who can't be told. */
export function useKnownMay(projectId: number | undefined): May | undefined {
  const session = useSession();
  const permissions = usePermissions(projectId);
  if (session.isSuccess && !session.data) return nothing;
  return permissions.data ?? (permissions.isError ? nothing : undefined);
}
