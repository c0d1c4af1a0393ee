import { useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page } from "../../ui/Page";
import { TabLinks } from "../../ui/TabLinks";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { Exports } from "./Exports";
import { Findings } from "./Findings";
import { Overview } from "./Overview";

const route = getRouteApi("/security");

/** What is worst in the whole registry, and where it is. */
export function SecurityPage() {
  const { t } = useLingui();
  const { tab: asked } = route.useSearch();
  const tab = asked === "findings" || asked === "exports" ? asked : undefined;
  const to = "/security" as const;
  const tabs = [
    { title: t`What is worst`, link: { to, search: {} }, here: !tab },
    {
      title: t`All findings`,
      link: { to, search: { tab: "findings" as const } },
      here: tab === "findings",
    },
    {
      title: t`Exports`,
      link: { to, search: { tab: "exports" as const } },
      here: tab === "exports",
    },
  ];
  return (
    <Page title={t`Security`}>
      <AdministratorsOnly>
        <TabLinks label={t`Parts of this page`} tabs={tabs} />
        {!tab && <Overview />}
        {tab === "findings" && <Findings />}
        {tab === "exports" && <Exports />}
      </AdministratorsOnly>
    </Page>
  );
}
