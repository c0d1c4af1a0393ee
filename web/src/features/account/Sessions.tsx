import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type Column, DataTable } from "../../ui/DataTable";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { type Session, useEndSession, useSessions } from "./tokens";

/** Where I am signed in. */
export function Sessions() {
  const { t } = useLingui();
  const sessions = useSessions();
  const end = useEndSession();
  const columns = useColumns((id) => end.mutate(id));
  return (
    <>
      {end.isError && <Failed what={t`The session was not ended.`} error={end.error} />}
      {sessions.isPending && <Loading rows={2} />}
      {sessions.isError && (
        <Failed
          what={t`Your sessions can't be shown.`}
          error={sessions.error}
          retry={() => sessions.refetch()}
        />
      )}
      {sessions.data && (
        <DataTable
          caption={t`Sessions`}
          columns={columns}
          rows={sessions.data.items}
          rowKey={(session) => session.id}
        />
      )}
    </>
  );
}

function useColumns(end: (id: string) => void): Column<Session>[] {
  const { t } = useLingui();
  return [
    { key: "browser", title: t`Browser`, names: true, cell: (session) => session.user_agent },
    { key: "address", title: t`Address`, cell: (session) => session.remote },
    { key: "since", title: t`Signed in`, cell: (session) => <When time={session.creation_time} /> },
    { key: "seen", title: t`Last used`, cell: (session) => <When time={session.last_seen_at} /> },
    {
      key: "end",
      title: t`End`,
      cell: (session) =>
        session.current ? (
          <Trans>this one</Trans>
        ) : (
          <Button size="xs" variant="default" onClick={() => end(session.id)}>
            <Trans>End session</Trans>
          </Button>
        ),
    },
  ];
}
