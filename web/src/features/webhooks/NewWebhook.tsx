import { Trans, useLingui } from "@lingui/react/macro";
import { useNavigate } from "@tanstack/react-router";
import { ButtonLink } from "../../ui/ButtonLink";
import { useNotices } from "../../ui/Notices";
import { Section } from "../../ui/Page";
import { Loading } from "../../ui/states";
import { useCurrent } from "../settings/current";
import { Refused } from "../settings/Refused";
import { bodyOfDraft, newDraft } from "./draft";
import { useCreateWebhook, useSupported } from "./queries";
import { WebhookForm } from "./WebhookForm";

/** Makes a webhook, and leads to where it can be tested. */
export function NewWebhook() {
  const { t } = useLingui();
  const { name } = useCurrent();
  const navigate = useNavigate();
  const { say } = useNotices();
  const supported = useSupported(name);
  const create = useCreateWebhook(name);
  return (
    <Section title={t`Create webhook`}>
      {supported.isPending && <Loading />}
      {supported.isError && (
        <Refused
          what={t`A webhook can't be created here.`}
          error={supported.error}
          retry={() => supported.refetch()}
        />
      )}
      {supported.data && (
        <WebhookForm
          start={newDraft()}
          supported={supported.data}
          action={t`Create webhook`}
          busy={create.isPending}
          error={create.error}
          failed={t`The webhook was not created.`}
          more={
            <ButtonLink to="/p/$project/settings/webhooks" params={{ project: name }}>
              <Trans>Cancel</Trans>
            </ButtonLink>
          }
          onSubmit={(draft) =>
            create.mutate(bodyOfDraft(draft), {
              onSuccess: (webhook) => {
                say(t`The webhook ${draft.name} is there. Test it now.`);
                void navigate({
                  to: "/p/$project/settings/webhooks/$webhook",
                  params: { project: name, webhook },
                });
              },
            })
          }
        />
      )}
    </Section>
  );
}
