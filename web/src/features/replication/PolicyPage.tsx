import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { TabLinks } from "../../ui/TabLinks";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { PolicyActions } from "./PolicyActions";
import { PolicyFacts } from "./PolicyFacts";
import { PreviewTable } from "./PreviewTable";
import { usePolicy } from "./queries";
import { Runs } from "./Runs";

const route = getRouteApi("/replication/$policy");

/** One policy: what it does, what it would do now, and what its runs came to. */
export function PolicyPage() {
  const { t } = useLingui();
  const id = Number(route.useParams().policy);
  const { tab } = route.useSearch();
  const policy = usePolicy(id);
  const to = "/replication/$policy" as const;
  const params = { policy: String(id) };
  const tabs = [
    { title: t`Runs`, link: { to, params, search: {} }, here: tab !== "preview" },
    {
      title: t`What it would do now`,
      link: { to, params, search: { tab: "preview" as const } },
      here: tab === "preview",
    },
  ];
  return (
    <Page
      title={policy.data?.name ?? t`Policy ${id}`}
      crumbs={[{ label: t`Replication`, link: { to: "/replication" } }]}
      facts={policy.data && !policy.data.enabled && <Trans>Disabled: nothing begins it</Trans>}
      actions={policy.data && <PolicyActions policy={policy.data} />}
    >
      <AdministratorsOnly>
        {policy.isPending && <Loading />}
        {policy.isError && (
          <Failed
            what={t`The policy can't be shown.`}
            error={policy.error}
            retry={() => policy.refetch()}
          />
        )}
        {policy.data && (
          <>
            <Section title={t`What it does`}>
              <PolicyFacts policy={policy.data} />
            </Section>
            <TabLinks label={t`Parts of this page`} tabs={tabs} />
            {tab === "preview" ? <PreviewTable policy={id} /> : <Runs policy={id} />}
          </>
        )}
      </AdministratorsOnly>
    </Page>
  );
}
