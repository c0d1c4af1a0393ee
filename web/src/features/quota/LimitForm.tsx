import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { Form } from "../../ui/Form";
import { LimitField } from "./LimitField";
import { bytesOf, typedOf } from "./limit";
import { useSetLimit } from "./queries";

interface Props {
  projectId: number;
  limit: number;
  used: number;
}

/** Another limit, by an administrator. */
export function LimitForm({ projectId, limit, used }: Props) {
  const { t } = useLingui();
  const set = useSetLimit(projectId);
  const [typed, setTyped] = useState(() => typedOf(limit));
  const bytes = bytesOf(typed);
  return (
    <Form
      onSubmit={() => bytes !== undefined && set.mutate(bytes)}
      action={t`Save limit`}
      busy={set.isPending}
      disabled={bytes === undefined || bytes === limit}
      error={set.error}
      failed={t`The limit was not changed.`}
      done={set.isSuccess ? t`The limit is changed.` : undefined}
    >
      <LimitField
        value={typed}
        onChange={(next) => {
          setTyped(next);
          set.reset();
        }}
      />
      {bytes !== undefined && bytes >= 0 && bytes < used && (
        <p role="status">
          <Trans>
            That is less than it uses now: nothing is deleted, but every push is refused.
          </Trans>
        </p>
      )}
    </Form>
  );
}
