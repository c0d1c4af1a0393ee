import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Empty, Failed, Loading } from "../../ui/states";
import { useUser } from "../session/queries";
import { AuditFile } from "./AuditFile";
import { AuditFilters } from "./AuditFilters";
import { AuditTable } from "./AuditTable";
import type { AuditFilter } from "./filter";
import { rowsPerPage, useAuditLog } from "./queries";

const route = getRouteApi("/audit");

/** The filters as the address has them. */
function useFilter(): { filter: AuditFilter; page: number; row: string } {
  const search = route.useSearch();
  const { user = "", operation = "", type = "", resource = "" } = search;
  const { result = "", from = "", to = "", page = 1, row = "" } = search;
  return { filter: { user, operation, type, resource, result, from, to }, page, row };
}

/** The log itself: filters, rows, details. */
export function AuditLog() {
  const { t } = useLingui();
  const { filter, page, row } = useFilter();
  const navigate = route.useNavigate();
  const log = useAuditLog(filter, page);
  const filtered = Object.values(filter).some((value) => value !== "");
  const total = log.data?.total ?? 0;
  return (
    <Section title={t`Log`} actions={total > 0 && <AuditFile filter={filter} total={total} />}>
      <AuditFilters
        filter={filter}
        onChange={(part) =>
          navigate({
            search: (before) => ({ ...before, ...part, page: 1, row: "" }),
            replace: true,
          })
        }
        onClear={() => navigate({ search: {} })}
      />
      {log.isPending && <Loading />}
      {log.isError && (
        <Failed
          what={t`The audit log can't be read.`}
          error={log.error}
          retry={() => log.refetch()}
        />
      )}
      {log.isSuccess && total === 0 && <NoRows filtered={filtered} />}
      {log.data && log.data.items.length > 0 && (
        <AuditTable
          rows={log.data.items}
          open={row}
          onOpen={(id) => navigate({ search: (before) => ({ ...before, row: id }), replace: true })}
        />
      )}
      <Pager
        page={page}
        size={rowsPerPage}
        total={total}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next, row: "" }) })}
      />
    </Section>
  );
}

function NoRows({ filtered }: { filtered: boolean }) {
  const { t } = useLingui();
  const user = useUser();
  if (filtered) return <Empty title={t`Nothing in the log is like this.`} />;
  return (
    <Empty title={t`There is nothing that you may read.`}>
      {!user?.sysadmin_flag && (
        <p>
          <Trans>
            The log of a project is for its admins, the whole log for administrators of the
            registry.
          </Trans>
        </p>
      )}
    </Empty>
  );
}
