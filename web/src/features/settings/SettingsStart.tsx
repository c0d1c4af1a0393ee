import { Trans } from "@lingui/react/macro";
import { getRouteApi, Navigate } from "@tanstack/react-router";
import { Forbidden } from "../../ui/states";
import { useProject } from "../projects/queries";
import { useSettings } from "./groups";

const route = getRouteApi("/p/$project/settings/");

/** Leads to the first page of the settings that the caller may see. */
export function SettingsStart() {
  const { project: name } = route.useParams();
  const first = useSettings(useProject(name).data).flatMap((group) => group.links)[0];
  if (first) return <Navigate {...first.link} replace />;
  return (
    <Forbidden>
      <p>
        <Trans>The settings of {name} are for its admins. Ask one of them.</Trans>
      </p>
    </Forbidden>
  );
}
