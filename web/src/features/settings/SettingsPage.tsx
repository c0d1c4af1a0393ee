import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Outlet } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { Page } from "../../ui/Page";
import { Sections } from "../../ui/Sections";
import { Failed, Loading } from "../../ui/states";
import { useProject } from "../projects/queries";
import { SignInRequired } from "../session/SignInRequired";
import { useSettings } from "./groups";

const route = getRouteApi("/p/$project/settings");

/** The frame of a project's settings: the pages that the caller may see, and one of them. */
export function SettingsPage() {
  const { t } = useLingui();
  const { project: name } = route.useParams();
  const project = useProject(name);
  const groups = useSettings(project.data);
  const forbidden = project.isError && asProblem(project.error).isForbidden;
  return (
    <Page
      title={t`Settings of ${name}`}
      crumbs={[
        { label: t`Projects`, link: { to: "/projects" } },
        { label: name, link: { to: "/p/$project", params: { project: name } } },
      ]}
    >
      {project.isPending && <Loading />}
      {forbidden && (
        <SignInRequired>
          <p>
            <Trans>
              You may not see the project {name}, or there is none of this name. Only its members
              may: ask one of its admins to add you.
            </Trans>
          </p>
        </SignInRequired>
      )}
      {project.isError && !forbidden && (
        <Failed
          what={t`The project ${name} can't be shown.`}
          error={project.error}
          retry={() => project.refetch()}
        />
      )}
      {project.data && (
        <Sections label={t`Settings`} groups={groups}>
          <Outlet />
        </Sections>
      )}
    </Page>
  );
}
