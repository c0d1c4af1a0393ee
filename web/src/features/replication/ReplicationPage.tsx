import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { ButtonLink } from "../../ui/ButtonLink";
import { Page, Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { useUser } from "../session/queries";
import { PolicyTable } from "./PolicyTable";
import { policiesPerPage, useLastRuns, usePolicies } from "./queries";
import { RegistryMap } from "./RegistryMap";

const route = getRouteApi("/replication");

/** Which images go where by themselves, and whether they arrived. */
export function ReplicationPage() {
  const { t } = useLingui();
  const user = useUser();
  return (
    <Page
      title={t`Replication`}
      facts={<Trans>Images where they must be</Trans>}
      actions={
        user?.sysadmin_flag && (
          <ButtonLink to="/replication/new" variant="filled">
            <Trans>Create policy</Trans>
          </ButtonLink>
        )
      }
    >
      <AdministratorsOnly>
        <Policies />
      </AdministratorsOnly>
    </Page>
  );
}

function Policies() {
  const { t } = useLingui();
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const policies = usePolicies({ q, page });
  const rows = policies.data?.items ?? [];
  const runs = useLastRuns(rows);
  const total = policies.data?.total ?? 0;
  return (
    <Section
      title={t`Policies`}
      actions={
        (total > 0 || q !== "") && (
          <SearchField
            label={t`Find a policy`}
            value={q}
            onSearch={(text) => navigate({ search: { q: text, page: 1 }, replace: true })}
          />
        )
      }
    >
      {policies.isPending && <Loading />}
      {policies.isError && (
        <Failed
          what={t`The policies can't be listed.`}
          error={policies.error}
          retry={() => policies.refetch()}
        />
      )}
      {policies.isSuccess && total === 0 && <NoPolicies searched={q !== ""} />}
      {rows.length > 0 && (
        <>
          <RegistryMap policies={rows} runs={runs} />
          <PolicyTable policies={rows} runs={runs} />
        </>
      )}
      <Pager
        page={page}
        size={policiesPerPage}
        total={total}
        onPage={(next) => navigate({ search: { q, page: next } })}
      />
    </Section>
  );
}

function NoPolicies({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No policy has this in its name.`} />;
  return (
    <Empty title={t`No images are copied yet.`}>
      <p>
        <Trans>
          A policy says which images go to which registry, or come from one, and when: each push, by
          the clock, or when you say so. It needs a registry elsewhere, which administration keeps.
        </Trans>
      </p>
    </Empty>
  );
}
