import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Empty } from "../../ui/states";
import { Guarded } from "../settings/Guarded";
import { Labels } from "./Labels";

const route = getRouteApi("/p/$project/settings/labels");

/** What may be put on artifacts of a project. */
export function LabelsPage() {
  const { t } = useLingui();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Guarded resource="label" action="list">
      {(project, may) => (
        <Labels
          scope={project.project_id ?? 0}
          title={t`Labels`}
          may={(action) => may("label", action)}
          search={search}
          onSearch={(next, replace = false) => navigate({ search: next, replace })}
          none={
            <Empty title={t`This project has no labels of its own.`}>
              <p>
                <Trans>
                  A label says something about an artifact that its tags don't: tested, approved, to
                  be thrown away. Rules of retention and replication can go by it.
                </Trans>
              </p>
            </Empty>
          }
        />
      )}
    </Guarded>
  );
}
