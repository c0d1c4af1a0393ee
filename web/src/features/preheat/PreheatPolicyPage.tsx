import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { ButtonLink } from "../../ui/ButtonLink";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { Refused } from "../settings/Refused";
import { ChangePreheat } from "./ChangePreheat";
import { Executions } from "./Executions";
import { PolicyActions } from "./PolicyActions";
import classes from "./preheat.module.css";
import { usePolicy } from "./queries";

const route = getRouteApi("/p/$project/settings/preheat/policy/$policy");

/** One policy: what it did, and what it is. */
export function PreheatPolicyPage() {
  const { t } = useLingui();
  const { name, may } = useCurrent();
  const policy = usePolicy(name, route.useParams().policy);
  if (policy.isPending) return <Loading />;
  if (policy.isError) {
    return (
      <Refused
        what={t`The preheat policy can't be shown.`}
        error={policy.error}
        retry={() => policy.refetch()}
      />
    );
  }
  const changes = may("preheat-policy", "update");
  return (
    <>
      <div className={classes.row}>
        <ButtonLink size="xs" to="/p/$project/settings/preheat" params={{ project: name }}>
          <Trans>All preheat policies</Trans>
        </ButtonLink>
      </div>
      <Section
        title={policy.data.name ?? ""}
        actions={changes && <PolicyActions project={name} policy={policy.data} />}
      >
        <Executions project={name} policy={policy.data.name ?? ""} changes={changes} />
      </Section>
      {changes && (
        <Section title={t`Which images, and when`}>
          <ChangePreheat project={name} policy={policy.data} />
        </Section>
      )}
    </>
  );
}
