import { useLingui } from "@lingui/react/macro";
import { useNavigate } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { AdministratorsOnly } from "../session/AdministratorsOnly";
import { blank } from "./draft";
import { PolicyForm } from "./PolicyForm";
import { useCreatePolicy } from "./queries";

/** Makes a policy; what it would do is shown next. */
export function NewPolicyPage() {
  const { t } = useLingui();
  const navigate = useNavigate();
  const create = useCreatePolicy();
  return (
    <Page
      title={t`Create policy`}
      crumbs={[{ label: t`Replication`, link: { to: "/replication" } }]}
    >
      <AdministratorsOnly>
        <Section title={t`Policy`}>
          <PolicyForm
            first={blank}
            action={t`Create policy`}
            failed={t`The policy was not created.`}
            busy={create.isPending}
            error={create.error}
            onSave={(policy) =>
              create.mutate(policy, {
                onSuccess: (id) =>
                  navigate({
                    to: "/replication/$policy",
                    params: { policy: String(id) },
                    search: { tab: "preview" },
                  }),
              })
            }
          />
        </Section>
      </AdministratorsOnly>
    </Page>
  );
}
