import { Trans, useLingui } from "@lingui/react/macro";
import { type Column, DataTable } from "../../../ui/DataTable";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { Well } from "../parts/Well";
import { type Health, useHealth } from "./queries";
import { ServerFacts } from "./ServerFacts";
import { components } from "./words";

/** Whether all parts are well, and what to do where one isn't. */
export function HealthPage() {
  const { t } = useLingui();
  const health = useHealth();
  return (
    <>
      <Section title={t`Health`}>
        <Shown query={health} what={t`Whether the registry is well is unknown.`}>
          {(data) => <Parts health={data} />}
        </Shown>
      </Section>
      <ServerFacts />
      <Section title={t`Watching it`}>
        <p className={classes.prose}>
          <Trans>
            Monitors ask /api/v2.0/health here. Prometheus gets metrics at /metrics of an address of
            their own (metrics_listen, 127.0.0.1:9090 unless set otherwise), which only the server's
            network reaches. Worth an alarm are haven_vulndb_age_seconds above a few days,
            haven_job_queue_latency_seconds, and failures of scans that grow.
          </Trans>
        </p>
        <p>
          <a href="/api/v2.0/health">
            <Trans>Health as monitors see it</Trans>
          </a>
        </p>
      </Section>
    </>
  );
}

type Component = Health["components"][number];

function Parts({ health }: { health: Health }) {
  const { t, i18n } = useLingui();
  const columns: Column<Component>[] = [
    {
      key: "name",
      title: t`Part`,
      names: true,
      cell: ({ name }) => {
        const known = components[name];
        return (
          <span>
            {known ? i18n._(known.title) : name} <span className={classes.small}>{name}</span>
          </span>
        );
      },
    },
    {
      key: "state",
      title: t`State`,
      cell: ({ status, error }) => <Well well={status === "healthy"} why={error} />,
    },
  ];
  return (
    <>
      <p role="status">
        {health.status === "healthy" ? (
          <Trans>All parts are well.</Trans>
        ) : (
          <Trans>Something is wrong. The server's log has the cause of each failure.</Trans>
        )}
      </p>
      <DataTable
        caption={t`Parts of the registry`}
        columns={columns}
        rows={health.components}
        rowKey={({ name }) => name}
        below={({ name, status }) => {
          const advice = components[name]?.advice;
          return status !== "healthy" && advice ? i18n._(advice) : null;
        }}
      />
    </>
  );
}
