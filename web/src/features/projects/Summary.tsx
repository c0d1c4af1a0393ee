import { Trans, useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { Usage } from "../quota/Usage";
import { type Project, useProjectSummary } from "./queries";
import { roleName } from "./role";
import classes from "./Summary.module.css";

/** How many repositories, how much of the quota, and who is in it: what the caller may know of these. */
export function Summary({ project }: { project: Project }) {
  const { t, i18n } = useLingui();
  const summary = useProjectSummary(project.name ?? "");
  const { data } = summary;
  if (summary.isPending) return <div className={classes.summary} />; // so that nothing moves when it comes
  if (!data) return null;
  const members: [number, number | undefined][] = [
    [1, data.project_admin_count],
    [4, data.maintainer_count],
    [2, data.developer_count],
    [3, data.guest_count],
    [5, data.limited_guest_count],
  ];
  const present = members.filter(([, count]) => (count ?? 0) > 0);
  return (
    <dl className={classes.summary} aria-label={t`Summary`}>
      <Fact title={t`Repositories`}>{data.repo_count}</Fact>
      {data.quota && (
        <Fact title={t`Storage`}>
          <Usage used={data.quota.used?.storage ?? 0} limit={data.quota.hard?.storage ?? -1} />
        </Fact>
      )}
      {present.length > 0 && (
        <Fact title={t`Members`}>
          <span className={classes.members}>
            {present.map(([role, count]) => {
              const name = roleName(role);
              return (
                <span key={role}>
                  {name && i18n._(name)}: {count}
                </span>
              );
            })}
          </span>
        </Fact>
      )}
      {data.registry && (
        <Fact title={t`Cache of`}>
          {data.registry.name}{" "}
          {data.registry.status !== "healthy" && <Trans>(does not answer)</Trans>}
        </Fact>
      )}
    </dl>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}
