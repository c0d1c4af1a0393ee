import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { Dialog } from "../../../ui/Dialog";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { type Scanner, useScanners } from "./queries";
import { ScannerForm } from "./ScannerForm";
import { ScannerTable } from "./ScannerTable";

/** The programs that look for vulnerabilities in images. */
export function ScannersPage() {
  const { t } = useLingui();
  const scanners = useScanners();
  const [edited, setEdited] = useState<Scanner | "new">();
  const stored = edited === "new" ? undefined : edited;
  return (
    <Section
      title={t`Scanners`}
      actions={
        <Button onClick={() => setEdited("new")}>
          <Trans>Add scanner</Trans>
        </Button>
      }
    >
      <p className={classes.prose}>
        <Trans>
          The default scans for every project that has not chosen another one. Trivy is part of
          Haven and needs no address; others speak Harbor's adapter API.
        </Trans>
      </p>
      <Shown query={scanners} what={t`The scanners can't be listed.`}>
        {({ items }) => <ScannerTable rows={items} onEdit={setEdited} />}
      </Shown>
      <Dialog
        title={stored ? t`Edit scanner ${stored.name}` : t`Add scanner`}
        opened={edited !== undefined}
        onClose={() => setEdited(undefined)}
      >
        <ScannerForm stored={stored} onDone={() => setEdited(undefined)} />
      </Dialog>
    </Section>
  );
}
