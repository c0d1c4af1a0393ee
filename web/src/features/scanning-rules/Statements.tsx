import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { statementsPerPage, useStatements } from "./queries";
import { StatementForm } from "./StatementForm";
import { StatementTable } from "./StatementTable";
import classes from "./scanning.module.css";
import { UploadVex } from "./UploadVex";

const route = getRouteApi("/p/$project/settings/scanning");

/** Statements (VEX) for whom a vulnerability doesn't matter, and why. */
export function Statements({ project, changes }: { project: string; changes: boolean }) {
  const { t } = useLingui();
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const statements = useStatements(project, { q, page });
  const [adding, setAdding] = useState(false);
  const total = statements.data?.total ?? 0;
  return (
    <Section
      title={t`Statements (VEX)`}
      actions={
        (total > 0 || q !== "") && (
          <SearchField
            label={t`Find a vulnerability`}
            value={q}
            onSearch={(text) => navigate({ search: text ? { q: text } : {}, replace: true })}
          />
        )
      }
    >
      {statements.isPending && <Loading rows={2} />}
      {statements.isError && (
        <Failed
          what={t`The statements can't be listed.`}
          error={statements.error}
          retry={() => statements.refetch()}
        />
      )}
      {statements.isSuccess && total === 0 && <Nothing searched={q !== ""} />}
      {total > 0 && (
        <StatementTable
          project={project}
          statements={statements.data?.items ?? []}
          changes={changes}
        />
      )}
      <Pager
        page={page}
        size={statementsPerPage}
        total={total}
        onPage={(next) => navigate({ search: { ...(q && { q }), page: next } })}
      />
      {changes && !adding && (
        <div className={classes.row}>
          <Button variant="default" onClick={() => setAdding(true)}>
            <Trans>Make a statement</Trans>
          </Button>
          <UploadVex project={project} />
        </div>
      )}
      {changes && adding && <StatementForm project={project} onClose={() => setAdding(false)} />}
    </Section>
  );
}

function Nothing({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No statement is about this.`} />;
  return (
    <Empty title={t`Nobody has made a statement yet.`}>
      <p>
        <Trans>
          An allowlist ignores a vulnerability everywhere. A statement says of one image, repository
          or package that it doesn't matter there, and why; reports show both counts. It may also
          come with an image, as an OpenVEX document attached to it.
        </Trans>
      </p>
    </Empty>
  );
}
