import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { useUser } from "../session/queries";
import { CreateForm } from "./CreateForm";
import { useCreationRestricted } from "./queries";

/** The button that opens the dialog, for those whom the server lets create projects. */
export function CreateProject() {
  const user = useUser();
  const restricted = useCreationRestricted(!!user);
  const [open, setOpen] = useState(false);
  if (!user || (!user.sysadmin_flag && restricted.data !== false)) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Trans>Create project</Trans>
      </Button>
      <CreateProjectDialog opened={open} onClose={() => setOpen(false)} />
    </>
  );
}

interface DialogProps {
  opened: boolean;
  onClose: () => void;
}

/** The dialog alone; it closes when the new project's page opens. */
export function CreateProjectDialog({ opened, onClose }: DialogProps) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const user = useUser();
  return (
    <Dialog title={t`Create project`} opened={opened} onClose={onClose}>
      <CreateForm
        administrator={user?.sysadmin_flag ?? false}
        onCreated={async (project) => {
          await navigate({ to: "/p/$project", params: { project } });
          onClose();
        }}
      />
    </Dialog>
  );
}
