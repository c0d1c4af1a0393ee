import { useLingui } from "@lingui/react/macro";
import { useNavigate } from "@tanstack/react-router";
import { Loading } from "../../ui/states";
import { Refused } from "../settings/Refused";
import { bodyOfDraft, draftOf } from "./draft";
import { PreheatForm } from "./PreheatForm";
import { type Policy, useChangePolicy, useProviders } from "./queries";

/** Changes a policy; where it gets another name, its address follows. */
export function ChangePreheat({ project, policy }: { project: string; policy: Policy }) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const providers = useProviders(project);
  const change = useChangePolicy(project);
  if (providers.isPending) return <Loading />;
  if (providers.isError) {
    return (
      <Refused
        what={t`The policy can't be changed.`}
        error={providers.error}
        retry={() => providers.refetch()}
      />
    );
  }
  return (
    <PreheatForm
      start={draftOf(policy)}
      providers={providers.data}
      action={t`Save policy`}
      busy={change.isPending}
      error={change.error}
      failed={t`The policy was not saved.`}
      done={change.isSuccess ? t`Saved.` : undefined}
      onSubmit={(draft) =>
        change.mutate(
          { policy: policy.name ?? "", body: bodyOfDraft(draft) },
          {
            onSuccess: () => {
              if (draft.name === policy.name) return;
              void navigate({
                to: "/p/$project/settings/preheat/policy/$policy",
                params: { project, policy: draft.name },
                replace: true,
              });
            },
          },
        )
      }
    />
  );
}
