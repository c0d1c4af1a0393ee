import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, bodyOf, type Schema } from "../../api/client";
import { type Project, useProject } from "../projects/queries";
import { type May, useMay } from "../session/may";

const route = getRouteApi("/p/$project/settings");

interface Current {
  name: string;
  project: Project;
  may: May;
}

/** The project whose settings are shown, and what the caller may do in it. */
export function useCurrent(): Current {
  const { project: name } = route.useParams();
  const project = useProject(name).data ?? { repo_count: 0, current_user_role_ids: [] };
  return { name, project, may: useMay(project.project_id) };
}

/** A setting of a project that is on or off; one that was never set is as said. */
export function isOn(project: Project, key: string, unset = false): boolean {
  const value = project.metadata?.[key];
  return value === undefined || value === "" ? unset : value === "true";
}

/** Changes settings of a project; what isn't named stays. */
export function useChangeProject(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema["ProjectReq"]) =>
      bodyOf(
        api.PUT("/api/v2.0/projects/{project_name_or_id}", {
          params: {
            path: { project_name_or_id: name },
            header: { "X-Is-Resource-Name": true },
          },
          body,
        }),
      ),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["projects", "one", name] }),
        client.invalidateQueries({ queryKey: ["gate", name] }),
        client.invalidateQueries({ queryKey: ["signature-policy", name] }),
      ]),
  });
}
