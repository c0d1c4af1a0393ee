import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Form } from "../../ui/Form";
import { type Robot, useRenewSecret } from "./queries";
import { SecretShown, type Shown } from "./SecretShown";

interface Props {
  robot: Robot;
  opened: boolean;
  /** The page shows the secret; without, it is shown here. */
  onMade?: ((shown: Shown) => void) | undefined;
  onClose: () => void;
}

/** Another secret for a robot; the present one may stay good until all that use it have changed. */
export function RenewSecret({ robot, opened, onMade, onClose }: Props) {
  const { t } = useLingui();
  const name = robot.name ?? "";
  return (
    <Dialog title={t`New secret for ${name}`} opened={opened} onClose={onClose}>
      <Renewal robot={robot} onMade={onMade} onClose={onClose} />
    </Dialog>
  );
}

function Renewal({ robot, onMade, onClose }: Omit<Props, "opened">) {
  const { t } = useLingui();
  const renew = useRenewSecret();
  const [hours, setHours] = useState("0");
  const { name = "" } = robot;

  function submit() {
    const onSuccess = ({ secret = "" }) => {
      if (!onMade) return;
      onMade({ name, secret });
      onClose();
    };
    renew.mutate({ robot, hours: Number(hours) }, { onSuccess });
  }

  if (renew.data && !onMade) {
    return (
      <SecretShown shown={{ name, secret: renew.data.secret ?? "" }}>
        <Button variant="default" onClick={onClose}>
          <Trans>I have copied it</Trans>
        </Button>
      </SecretShown>
    );
  }
  return (
    <Form
      onSubmit={submit}
      action={t`Make a new secret`}
      busy={renew.isPending}
      error={renew.error}
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
          Until then both work, so that you can change over without a break. You can end the old one
          earlier.
        </Trans>
      </p>
    </Form>
  );
}
