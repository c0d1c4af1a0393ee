import { useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { Loading } from "../../ui/states";
import { Refused } from "../settings/Refused";
import { bodyOfDraft, draftOf } from "./draft";
import { useChangeWebhook, useSupported, type Webhook } from "./queries";
import { WebhookForm } from "./WebhookForm";

/** Changes a webhook. After it is saved the form begins anew with what is stored. */
export function ChangeWebhook({ project, webhook }: { project: string; webhook: Webhook }) {
  const { t } = useLingui();
  const supported = useSupported(project);
  const change = useChangeWebhook(project);
  const [saved, setSaved] = useState(0);
  if (supported.isPending) return <Loading />;
  if (supported.isError) {
    return (
      <Refused
        what={t`The webhook can't be changed.`}
        error={supported.error}
        retry={() => supported.refetch()}
      />
    );
  }
  return (
    <WebhookForm
      key={`${saved} ${webhook.enabled}`}
      start={draftOf(webhook)}
      supported={supported.data}
      action={t`Save webhook`}
      busy={change.isPending}
      error={change.error}
      failed={t`The webhook was not saved.`}
      done={saved > 0 && change.isSuccess ? t`Saved.` : undefined}
      onSubmit={(draft) =>
        change.mutate(
          { ...bodyOfDraft(draft), id: webhook.id ?? 0 },
          { onSuccess: () => setSaved(saved + 1) },
        )
      }
    />
  );
}
