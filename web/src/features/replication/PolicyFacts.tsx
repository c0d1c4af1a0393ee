import { Trans, useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Policy } from "./queries";
import { useRegistryName } from "./RegistryName";
import classes from "./replication.module.css";
import { useTriggerWords } from "./trigger";

/** A policy in words. */
export function PolicyFacts({ policy }: { policy: Policy }) {
  const { t } = useLingui();
  const name = useRegistryName();
  const trigger = useTriggerWords();
  const speed = policy.speed ?? 0;
  const extras = [
    policy.override ? t`moves tags that exist` : t`leaves tags alone that exist`,
    policy.deletion && t`deletes what the source has no more`,
    policy.copy_by_chunk && t`sends in pieces of 10 MiB`,
    policy.single_active_replication && t`one run at a time`,
    speed > 0 && t`at most ${speed} KB/s for each repository`,
    policy.relay && t`passes images through without keeping them`,
  ].filter(Boolean);
  return (
    <>
      {policy.description && <p>{policy.description}</p>}
      <dl className={classes.facts}>
        <Fact title={<Trans>From</Trans>}>{name(policy.src_registry)}</Fact>
        <Fact title={<Trans>To</Trans>}>
          {name(policy.dest_registry)}
          {policy.dest_namespace && (
            <>
              {" · "}
              <code>{policy.dest_namespace}</code>
            </>
          )}
        </Fact>
        <Fact title={<Trans>When</Trans>}>{trigger(policy)}</Fact>
        <Fact title={<Trans>Which images</Trans>}>
          <FilterWords policy={policy} />
        </Fact>
        <Fact title={<Trans>How</Trans>}>{extras.join(", ")}</Fact>
      </dl>
    </>
  );
}

function Fact({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function FilterWords({ policy }: { policy: Policy }) {
  const { t } = useLingui();
  const filters = policy.filters ?? [];
  if (filters.length === 0) return <Trans>all</Trans>;
  const titles: Record<string, string> = {
    name: t`name`,
    tag: t`tag`,
    label: t`labels`,
    resource: t`type`,
  };
  return (
    <ul>
      {filters.map((filter) => {
        const value = Array.isArray(filter.value) ? filter.value.join(", ") : String(filter.value);
        const not = filter.decoration === "excludes";
        return (
          <li key={`${filter.type}-${value}-${not}`}>
            {titles[filter.type ?? ""] ?? filter.type} {not ? t`not` : ""} <code>{value}</code>
          </li>
        );
      })}
    </ul>
  );
}
