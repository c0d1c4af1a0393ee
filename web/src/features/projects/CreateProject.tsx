import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { useUser } from "../session/queries";
import { CreateForm } from "./CreateForm";
import { useCreationRestricted } from "./queries";

/** The button that opens the dialog, for those whom the server lets create projects. */
export function CreateProject() {
  const { t } = useLingui();
  const user = useUser();
  const restricted = useCreationRestricted(!!user);
  const [open, setOpen] = useState(false);
  if (!user || (!user.sysadmin_flag && restricted.data !== false)) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Trans>Create project</Trans>
      </Button>
      <Dialog title={t`Create project`} opened={open} onClose={() => setOpen(false)}>
        <CreateForm administrator={user.sysadmin_flag} />
      </Dialog>
    </>
  );
}
