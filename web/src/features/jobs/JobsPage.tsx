import { useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page } from "../../ui/Page";
import { TabLinks } from "../../ui/TabLinks";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { Executions } from "./Executions";
import { Queues } from "./Queues";
import { Schedules } from "./Schedules";
import { Workers } from "./Workers";

const route = getRouteApi("/jobs");

/** What runs, what waits, who works, what begins by the clock. */
export function JobsPage() {
  const { t } = useLingui();
  const { tab: asked } = route.useSearch();
  const tab = asked === "queues" || asked === "schedules" ? asked : "work";
  const to = "/jobs" as const;
  const tabs = [
    { title: t`Work`, link: { to, search: {} }, here: tab === "work" },
    {
      title: t`Queues and workers`,
      link: { to, search: { tab: "queues" as const } },
      here: tab === "queues",
    },
    {
      title: t`Schedules`,
      link: { to, search: { tab: "schedules" as const } },
      here: tab === "schedules",
    },
  ];
  return (
    <Page title={t`Jobs`}>
      <AdministratorsOnly>
        <TabLinks label={t`Parts of this page`} tabs={tabs} />
        {tab === "work" && <Executions />}
        {tab === "queues" && (
          <>
            <Queues />
            <Workers />
          </>
        )}
        {tab === "schedules" && <Schedules />}
      </AdministratorsOnly>
    </Page>
  );
}
