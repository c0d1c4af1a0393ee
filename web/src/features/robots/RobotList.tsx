import { useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { ListSearch } from "../../routes/search";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import type { Project } from "../projects/queries";
import { type Robot, robotsPerPage, useRobots } from "./queries";
import { RobotTable } from "./RobotTable";
import classes from "./robots.module.css";

interface Props {
  /** The project whose robots they are; without one, those of the registry. */
  project?: Project;
  search: ListSearch;
  onSearch: (search: ListSearch, replace?: boolean) => void;
  /** How one is made. */
  create?: ReactNode;
  /** What stands here while there is none. */
  none: ReactNode;
  name?: (robot: Robot) => ReactNode;
  actions?: ((robot: Robot) => ReactNode) | undefined;
}

/** The robots of a project, or those of the registry. */
export function RobotList({ project, search, onSearch, create, none, name, actions }: Props) {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name" } = search;
  const robots = useRobots(project?.project_id, { q, page, sort });
  const items = robots.data?.items ?? [];
  return (
    <Section
      title={t`Robots`}
      actions={
        <div className={classes.actions}>
          <SearchField
            label={t`Find a robot`}
            value={q}
            onSearch={(text) => onSearch({ q: text, page: 1 }, true)}
          />
          {create}
        </div>
      }
    >
      {robots.isPending && <Loading />}
      {robots.isError && (
        <Failed
          what={t`The robots can't be listed.`}
          error={robots.error}
          retry={() => robots.refetch()}
        />
      )}
      {robots.data?.total === 0 && (q ? <Empty title={t`No robot has this in its name.`} /> : none)}
      {items.length > 0 && (
        <RobotTable
          robots={items}
          project={project?.name}
          sort={sort}
          onSort={(next) => onSearch({ sort: next, page: 1 }, true)}
          name={name}
          actions={actions}
        />
      )}
      <Pager
        page={page}
        size={robotsPerPage}
        total={robots.data?.total ?? 0}
        onPage={(next) => onSearch({ page: next })}
      />
    </Section>
  );
}
