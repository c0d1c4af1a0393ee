import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { Severity } from "../../ui/Severity";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { useUser } from "../session/queries";
import { FindingList } from "./FindingList";
import { noFilter } from "./filter";
import { useFindings } from "./queries";
import { Score } from "./Score";

const route = getRouteApi("/security/cve/$cve");

/** One vulnerability, and every place where it is. */
export function CvePage() {
  const { t } = useLingui();
  const { cve } = route.useParams();
  const user = useUser();
  return (
    <Page
      title={cve}
      crumbs={[{ label: t`Security`, link: { to: "/security" } }]}
      facts={user?.sysadmin_flag && <Facts cve={cve} />}
    >
      <AdministratorsOnly>
        <Places cve={cve} />
      </AdministratorsOnly>
    </Page>
  );
}

function Facts({ cve }: { cve: string }) {
  const first = useFindings({ ...noFilter, cve }, 1).data?.items[0];
  if (!first) return null;
  const link = first.links?.[0];
  return (
    <>
      <Severity of={first.severity} />
      {!!first.cvss_v3_score && (
        <span>
          <Trans>
            Score <Score of={first.cvss_v3_score} />
          </Trans>
        </span>
      )}
      {link && (
        <a href={link} target="_blank" rel="noreferrer">
          <Trans>What is known of it</Trans>
        </a>
      )}
    </>
  );
}

function Places({ cve }: { cve: string }) {
  const { t } = useLingui();
  const { page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Section title={t`Where it is`}>
      <FindingList
        filter={{ ...noFilter, cve }}
        page={page}
        onPage={(next) => navigate({ search: { page: next } })}
        ofOne
      />
    </Section>
  );
}
