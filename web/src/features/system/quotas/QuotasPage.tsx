import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { Empty } from "../../../ui/states";
import { SettingsForm } from "../configuration/SettingsForm";
import { quotaSettings } from "../configuration/settings";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { QuotaDialog } from "./QuotaDialog";
import { QuotaTable } from "./QuotaTable";
import { type Quota, quotasPerPage, useQuotas } from "./queries";

const route = getRouteApi("/admin/quotas");

/** How much each project may hold, and holds. */
export function QuotasPage() {
  const { t } = useLingui();
  const { page = 1, sort = "-used.storage" } = route.useSearch();
  const navigate = route.useNavigate();
  const quotas = useQuotas({ page, sort });
  const [edited, setEdited] = useState<Quota>();
  return (
    <>
      <Section title={t`Quotas of projects`}>
        <p className={classes.prose}>
          <Trans>
            A quota counts each blob of a project once, however many of its images share it, and the
            manifests.
          </Trans>
        </p>
        <Shown query={quotas} what={t`The quotas can't be listed.`}>
          {({ items, total }) =>
            total === 0 ? (
              <Empty title={t`There is no project yet.`} />
            ) : (
              <>
                <QuotaTable
                  rows={items}
                  sort={sort}
                  onSort={(next) => navigate({ search: { sort: next } })}
                  onEdit={setEdited}
                />
                <Pager
                  page={page}
                  size={quotasPerPage}
                  total={total}
                  onPage={(next) => navigate({ search: { sort, page: next } })}
                />
              </>
            )
          }
        </Shown>
        <QuotaDialog quota={edited} onClose={() => setEdited(undefined)} />
      </Section>
      <Section title={t`Quota defaults`}>
        <SettingsForm settings={quotaSettings} />
      </Section>
    </>
  );
}
