import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useNotices } from "../../../ui/Notices";
import { Section } from "../../../ui/Page";
import { blank } from "./draft";
import { PolicyForm } from "./PolicyForm";
import { useSavePolicy } from "./queries";

const route = getRouteApi("/admin/workloads/new");

/** Makes a policy, for the registry or for a project. */
export function NewPolicyPage() {
  const { t } = useLingui();
  const { project = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const { say } = useNotices();
  const create = useSavePolicy();
  const [typed, setTyped] = useState(() => blank(project));
  return (
    <>
      <p>
        <Link to="/admin/workloads">
          <Trans>All policies</Trans>
        </Link>
      </p>
      <Section title={t`Create policy`}>
        <PolicyForm
          typed={typed}
          onChange={setTyped}
          action={t`Create policy`}
          busy={create.isPending}
          error={create.error}
          failed={t`The policy was not created.`}
          onSave={(draft) =>
            create.mutate(draft, {
              onSuccess: () => {
                say(t`The policy ${draft.name} is created.`);
                navigate({
                  to: "/admin/workloads",
                  search: draft.project ? { project: draft.project } : {},
                });
              },
            })
          }
        />
      </Section>
    </>
  );
}
