import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Section } from "../../../ui/Page";
import { Empty } from "../../../ui/states";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { DeleteInstance } from "./DeleteInstance";
import { InstanceForm } from "./InstanceForm";
import { InstanceTable } from "./InstanceTable";
import { type Instance, useInstances } from "./queries";

/** Networks of peers that images are handed to before anybody asks for them. */
export function PreheatPage() {
  const { t } = useLingui();
  const instances = useInstances();
  const [edited, setEdited] = useState<Instance | "new">();
  const [leaving, setLeaving] = useState<Instance>();
  const stored = edited === "new" ? undefined : edited;
  return (
    <Section
      title={t`Preheat instances`}
      actions={
        <Button onClick={() => setEdited("new")}>
          <Trans>Add instance</Trans>
        </Button>
      }
    >
      <Shown query={instances} what={t`The instances can't be listed.`}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t`No network of peers is known here yet.`}>
              <p className={classes.prose}>
                <Trans>
                  Dragonfly or Kraken spare the registry the rush when many machines pull an image
                  at once. Add the manager of a Dragonfly or the proxy of a Kraken; projects then
                  say by policies which images it is told of.
                </Trans>
              </p>
            </Empty>
          ) : (
            <InstanceTable rows={items} onEdit={setEdited} onDelete={setLeaving} />
          )
        }
      </Shown>
      <Dialog
        title={stored ? t`Edit instance ${stored.name}` : t`Add instance`}
        opened={edited !== undefined}
        onClose={() => setEdited(undefined)}
      >
        <InstanceForm stored={stored} onDone={() => setEdited(undefined)} />
      </Dialog>
      <DeleteInstance instance={leaving} onClose={() => setLeaving(undefined)} />
    </Section>
  );
}
