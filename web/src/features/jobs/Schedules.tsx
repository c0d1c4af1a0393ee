import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import type { Schema } from "../../api/client";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { KindName } from "./KindName";
import { useClockPaused, useQueueAction, useSchedules } from "./queries";
import { ScheduleOwner } from "./ScheduleOwner";

type Schedule = Schema["ScheduleTask"];

const route = getRouteApi("/jobs");

/** What begins by the clock, and the switch that holds all of it up. */
export function Schedules() {
  const { t } = useLingui();
  const { page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const schedules = useSchedules(page);
  const columns = useColumns();
  return (
    <Section title={t`Schedules`} actions={<ClockSwitch />}>
      {schedules.isPending && <Loading />}
      {schedules.isError && (
        <Failed
          what={t`The schedules can't be listed.`}
          error={schedules.error}
          retry={() => schedules.refetch()}
        />
      )}
      {schedules.data?.total === 0 && <Empty title={t`Nothing begins by the clock.`} />}
      {schedules.data && schedules.data.items.length > 0 && (
        <DataTable
          caption={t`Schedules`}
          columns={columns}
          rows={schedules.data.items}
          rowKey={(row) => String(row.id)}
        />
      )}
      <Pager
        page={page}
        size={20}
        total={schedules.data?.total ?? 0}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
    </Section>
  );
}

function ClockSwitch() {
  const { t } = useLingui();
  const paused = useClockPaused();
  const act = useQueueAction();
  if (paused.data === undefined) return null;
  return (
    <>
      {act.isError && <Failed what={t`The clock was not switched.`} error={act.error} />}
      <Button
        variant="default"
        loading={act.isPending}
        onClick={() => act.mutate({ kind: "SCHEDULER", action: paused.data ? "resume" : "pause" })}
      >
        {paused.data ? <Trans>Resume all schedules</Trans> : <Trans>Pause all schedules</Trans>}
      </Button>
      {paused.data && (
        <span role="status">
          <Trans>Paused: nothing begins by the clock.</Trans>
        </span>
      )}
    </>
  );
}

function useColumns(): Column<Schedule>[] {
  const { t } = useLingui();
  return [
    {
      key: "kind",
      title: t`What`,
      names: true,
      cell: (row) => <KindName kind={row.vendor_type} />,
    },
    {
      key: "for",
      title: t`For`,
      cell: (row) =>
        (row.vendor_id ?? 0) <= 0 ? t`the whole registry` : <ScheduleOwner schedule={row} />,
    },
    { key: "cron", title: t`When (UTC)`, cell: (row) => <code>{row.cron}</code> },
    {
      key: "changed",
      title: t`Changed`,
      number: true,
      cell: (row) => <When time={row.update_time} />,
    },
  ];
}
