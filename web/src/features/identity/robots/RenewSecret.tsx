import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Form } from "../../../ui/Form";
import classes from "../identity.module.css";
import { type Robot, useRenewSecret } from "./queries";
import { Secret } from "./Secret";

/** Gives a robot another secret; the former one may stay good for a while. */
export function RenewSecret({ robot, onClose }: { robot: Robot; onClose: () => void }) {
  const { t } = useLingui();
  return (
    <Dialog opened title={t`New secret for ${robot.name ?? ""}`} onClose={onClose}>
      <Renewal robot={robot} onClose={onClose} />
    </Dialog>
  );
}

function Renewal({ robot, onClose }: { robot: Robot; onClose: () => void }) {
  const { t } = useLingui();
  const renew = useRenewSecret();
  const [hours, setHours] = useState("24");
  if (renew.data) {
    return (
      <div className={classes.stack}>
        <Secret name={robot.name ?? ""} secret={renew.data.secret ?? ""} />
        <Button variant="default" onClick={onClose}>
          <Trans>I have copied it</Trans>
        </Button>
      </div>
    );
  }
  return (
    <Form
      action={t`Make a new secret`}
      onSubmit={() => renew.mutate({ id: robot.id ?? 0, hours: Number(hours) })}
      busy={renew.isPending}
      error={renew.error}
      failed={t`There is no new secret.`}
    >
      <NativeSelect
        label={t`The present secret`}
        description={t`As long as both are good, you can change over without a pause.`}
        data={[
          { value: "0", label: t`ends at once` },
          { value: "24", label: t`stays good for a day` },
          { value: "168", label: t`stays good for a week` },
        ]}
        value={hours}
        onChange={(event) => setHours(event.currentTarget.value)}
      />
    </Form>
  );
}
