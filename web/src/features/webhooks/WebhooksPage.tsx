import { Trans, useLingui } from "@lingui/react/macro";
import { ButtonLink } from "../../ui/ButtonLink";
import { Section } from "../../ui/Page";
import { Empty, Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { Refused } from "../settings/Refused";
import { useWebhooks } from "./queries";
import { WebhookTable } from "./WebhookTable";

/** Who is told of what happens in a project. */
export function WebhooksPage() {
  const { t } = useLingui();
  const { name, may } = useCurrent();
  const webhooks = useWebhooks(name);
  const create = may("notification-policy", "create") && (
    <ButtonLink to="/p/$project/settings/webhooks/new" params={{ project: name }} variant="filled">
      <Trans>Create webhook</Trans>
    </ButtonLink>
  );
  const none = webhooks.data?.total === 0;
  return (
    <Section title={t`Webhooks`} actions={!none && create}>
      {webhooks.isPending && <Loading />}
      {webhooks.isError && (
        <Refused
          what={t`The webhooks can't be shown.`}
          error={webhooks.error}
          retry={() => webhooks.refetch()}
        />
      )}
      {none && (
        <Empty title={t`Nobody is told what happens in this project.`}>
          <p>
            <Trans>
              A webhook sends a request to an address of yours each time something happens: a push,
              a pull, a finished scan. Build servers, deployments and chats can take it from there.
            </Trans>
          </p>
          {create && <div>{create}</div>}
        </Empty>
      )}
      {webhooks.data && !none && <WebhookTable project={name} webhooks={webhooks.data.items} />}
    </Section>
  );
}
