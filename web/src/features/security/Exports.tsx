import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { ExportForm } from "./ExportForm";
import { type Export, useExports, useFetchExport } from "./queries";

/** Findings of a project as a file: ask for one, fetch those that are ready. */
export function Exports() {
  const { t } = useLingui();
  const exports = useExports();
  const fetch = useFetchExport();
  const columns = useColumns(fetch.isPending ? fetch.variables : undefined, fetch.mutate);
  return (
    <>
      <Section title={t`Export findings`}>
        <ExportForm />
      </Section>
      <Section title={t`Your exports`}>
        {fetch.isError && <Failed what={t`The file was not fetched.`} error={fetch.error} />}
        {exports.isPending && <Loading rows={2} />}
        {exports.isError && (
          <Failed
            what={t`Your exports can't be listed.`}
            error={exports.error}
            retry={() => exports.refetch()}
          />
        )}
        {exports.data?.length === 0 && (
          <Empty title={t`No file waits for you.`}>
            <p>
              <Trans>A file is there until it is fetched once, or for some time.</Trans>
            </p>
          </Empty>
        )}
        {exports.data && exports.data.length > 0 && (
          <DataTable
            caption={t`Your exports`}
            columns={columns}
            rows={exports.data}
            rowKey={(row) => String(row.id)}
          />
        )}
      </Section>
    </>
  );
}

function useColumns(fetching: number | undefined, fetch: (id: number) => void): Column<Export>[] {
  const { t } = useLingui();
  return [
    { key: "id", title: t`Export`, names: true, cell: (row) => row.id },
    { key: "status", title: t`Status`, cell: (row) => <Status of={row.status} /> },
    { key: "text", title: t`Message`, cell: (row) => row.status_text || "–" },
    { key: "when", title: t`Begun`, number: true, cell: (row) => <When time={row.start_time} /> },
    {
      key: "file",
      title: t`File`,
      cell: (row) =>
        row.file_present ? (
          <Button
            size="xs"
            variant="default"
            aria-label={t`Download export ${row.id}`}
            loading={fetching === row.id}
            onClick={() => fetch(row.id ?? 0)}
          >
            <Trans>Download CSV</Trans>
          </Button>
        ) : (
          "–"
        ),
    },
  ];
}
