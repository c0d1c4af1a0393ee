import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Form } from "../../ui/Form";
import { type Robot, useRefreshSecret } from "./queries";
import type { Shown } from "./SecretShown";

interface Props {
  robot: Robot;
  opened: boolean;
  onMade: (shown: Shown) => void;
  onClose: () => void;
}

/** Another secret for a robot; the present one may stay good until all that use it have changed. */
export function NewSecret({ robot, opened, onMade, onClose }: Props) {
  const { t } = useLingui();
  const name = robot.name ?? "";
  const refresh = useRefreshSecret();
  const [hours, setHours] = useState("0");
  return (
    <Dialog title={t`New secret for ${name}`} opened={opened} onClose={onClose}>
      <Form
        onSubmit={() =>
          refresh.mutate(
            { robot, hours: Number(hours) },
            {
              onSuccess: ({ secret = "" }) => {
                onMade({ name, secret });
                onClose();
              },
            },
          )
        }
        action={t`Make a new secret`}
        busy={refresh.isPending}
        error={refresh.error}
        failed={t`The secret was not changed.`}
      >
        <NativeSelect
          label={t`The present secret ends`}
          data={[
            { value: "0", label: t`at once` },
            { value: "1", label: t`in an hour` },
            { value: "24", label: t`in a day` },
            { value: "168", label: t`in a week` },
          ]}
          value={hours}
          onChange={(event) => setHours(event.currentTarget.value)}
        />
        <p>
          <Trans>
            Until then both work, so that you can change over without a break. You can end the old
            one earlier.
          </Trans>
        </p>
      </Form>
    </Dialog>
  );
}
