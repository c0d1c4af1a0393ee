import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { type Column, DataTable } from "../../ui/DataTable";
import { useNotices } from "../../ui/Notices";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { browserName } from "./browser";
import { type Session, useEndSession, useEndSessions, useSessions } from "./tokens";

/** Where I am signed in, or where somebody is whom an administrator looks at. */
export function Sessions({ of }: { of?: number }) {
  const { t } = useLingui();
  const sessions = useSessions(of);
  const end = useEndSession();
  const columns = useColumns((id) => end.mutate(id));
  return (
    <>
      {end.isError && <Failed what={t`The session was not ended.`} error={end.error} />}
      {sessions.isPending && <Loading rows={2} />}
      {sessions.isError && (
        <Failed
          what={t`The sessions can't be shown.`}
          error={sessions.error}
          retry={() => sessions.refetch()}
        />
      )}
      {sessions.data?.total === 0 && <Empty title={t`Signed in nowhere.`} />}
      {sessions.data && sessions.data.total > 0 && (
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

/** The button that ends all sessions at once, but the one that asks. Nothing while there is no other. */
export function EndSessions({ of }: { of?: number }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const sessions = useSessions(of);
  const end = useEndSessions(of);
  const [asks, setAsks] = useState(false);
  const others = (sessions.data?.items ?? []).filter((session) => !session.current).length;
  if (others === 0) return null;

  function confirm() {
    end.mutate(undefined, {
      onSuccess: () => {
        setAsks(false);
        say(t`The sessions are ended.`);
      },
    });
  }

  return (
    <>
      <Button variant="default" size="xs" onClick={() => setAsks(true)}>
        {of === undefined ? <Trans>End all others</Trans> : <Trans>End all sessions</Trans>}
      </Button>
      <ConfirmDialog
        opened={asks}
        title={of === undefined ? t`End all others` : t`End all sessions`}
        action={t`End sessions`}
        busy={end.isPending}
        error={end.error}
        failed={t`The sessions were not ended.`}
        onConfirm={confirm}
        onClose={() => setAsks(false)}
      >
        <p>
          <Trans>Who sits there has to sign in again. Tokens and docker go on.</Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}

function useColumns(end: (id: string) => void): Column<Session>[] {
  const { t } = useLingui();
  return [
    {
      key: "browser",
      title: t`Browser`,
      names: true,
      cell: (session) => <span title={session.user_agent}>{browserName(session.user_agent)}</span>,
    },
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
