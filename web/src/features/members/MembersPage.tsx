import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import type { May } from "../session/may";
import { Guarded } from "../settings/Guarded";
import { AddMember } from "./AddMember";
import { MemberTable } from "./MemberTable";
import classes from "./members.module.css";
import { membersPerPage, useMembers } from "./queries";
import { RolesExplained } from "./RolesExplained";

const route = getRouteApi("/p/$project/settings/members");

/** Who is in a project, and what each role lets them do. */
export function MembersPage() {
  return (
    <Guarded resource="member" action="list">
      {(project, may) => (
        <>
          <Members project={project.name ?? ""} may={may} />
          <RolesExplained />
        </>
      )}
    </Guarded>
  );
}

function Members({ project, may }: { project: string; may: May }) {
  const { t } = useLingui();
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const members = useMembers(project, { q, page });
  const [adding, setAdding] = useState(false);
  return (
    <Section
      title={t`Members`}
      actions={
        <div className={classes.actions}>
          <SearchField
            label={t`Find a member`}
            value={q}
            onSearch={(text) => navigate({ search: { q: text, page: 1 }, replace: true })}
          />
          {may("member", "create") && (
            <Button onClick={() => setAdding(true)}>
              <Trans>Add member</Trans>
            </Button>
          )}
        </div>
      }
    >
      {members.isPending && <Loading />}
      {members.isError && (
        <Failed
          what={t`The members can't be listed.`}
          error={members.error}
          retry={() => members.refetch()}
        />
      )}
      {members.data?.total === 0 && (
        <Empty title={q ? t`No member has this in the name.` : t`This project has no members.`}>
          <p>
            <Trans>Administrators of the registry may do everything in it all the same.</Trans>
          </p>
        </Empty>
      )}
      {members.data && members.data.items.length > 0 && (
        <MemberTable project={project} members={members.data.items} may={may} />
      )}
      <Pager
        page={page}
        size={membersPerPage}
        total={members.data?.total ?? 0}
        onPage={(next) => navigate({ search: { q, page: next } })}
      />
      <Dialog title={t`Add member`} opened={adding} onClose={() => setAdding(false)}>
        <AddMember project={project} onDone={() => setAdding(false)} />
      </Dialog>
    </Section>
  );
}
