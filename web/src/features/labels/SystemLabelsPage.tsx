import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Empty } from "../../ui/states";
import { Labels } from "./Labels";

const route = getRouteApi("/admin/labels");

/** Labels that all projects can put on their artifacts. */
export function SystemLabelsPage() {
  const { t } = useLingui();
  const navigate = route.useNavigate();
  return (
    <Labels
      scope="registry"
      title={t`Labels of all projects`}
      may={() => true}
      search={route.useSearch()}
      onSearch={(next, replace = false) => navigate({ search: next, replace })}
      none={
        <Empty title={t`There is no label yet.`}>
          <p>
            <Trans>
              Labels that you create here can be put on artifacts of every project, and rules can
              choose by them. A project may have labels of its own.
            </Trans>
          </p>
        </Empty>
      }
    />
  );
}
