import { Trans, useLingui } from "@lingui/react/macro";
import { ButtonLink } from "../../ui/ButtonLink";
import { Section } from "../../ui/Page";
import { Empty, Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { Refused } from "../settings/Refused";
import { NoInstance } from "./NoInstance";
import { PolicyTable } from "./PolicyTable";
import { usePolicies, useProviders } from "./queries";

/** Which images of a project are handed to networks of peers before anybody asks for them. */
export function PreheatPage() {
  const { t } = useLingui();
  const { name, may } = useCurrent();
  const providers = useProviders(name);
  const policies = usePolicies(name);
  const none = policies.data?.total === 0;
  const create = may("preheat-policy", "create") && (
    <ButtonLink to="/p/$project/settings/preheat/new" params={{ project: name }} variant="filled">
      <Trans>Create policy</Trans>
    </ButtonLink>
  );
  const failure = policies.error ?? providers.error;
  return (
    <Section title={t`Preheat`} actions={policies.data && !none && create}>
      {failure && (
        <Refused
          what={t`The preheat policies can't be shown.`}
          error={failure}
          retry={() => Promise.all([policies.refetch(), providers.refetch()])}
        />
      )}
      {!failure && (policies.isPending || providers.isPending) && <Loading />}
      {none && providers.data?.length === 0 && <NoInstance />}
      {none && (providers.data?.length ?? 0) > 0 && (
        <Empty title={t`No image is handed to peers beforehand.`}>
          <p>
            <Trans>
              When a thousand machines pull an image at once, a network of peers (Dragonfly, Kraken)
              spares the registry the rush. A policy says which images it fetches, and when.
            </Trans>
          </p>
          {create && <div>{create}</div>}
        </Empty>
      )}
      {policies.data && !none && <PolicyTable project={name} policies={policies.data.items} />}
    </Section>
  );
}
