import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Form } from "../../ui/Form";
import type { Project } from "../projects/queries";
import { isOn, useChangeProject } from "../settings/current";
import { type Scanner, useChooseScanner, useScanner, useScanners } from "./queries";

/** Whether images are scanned when they come, and by what. */
export function WhenForm({ project, changes }: { project: Project; changes: boolean }) {
  const { t } = useLingui();
  const name = project.name ?? "";
  const scanner = useScanner(name);
  const scanners = useScanners(name, changes);
  const change = useChangeProject(name);
  const choose = useChooseScanner(name);
  const [scan, setScan] = useState(isOn(project, "auto_scan"));
  const [sbom, setSbom] = useState(isOn(project, "auto_sbom_generation"));
  const [chosen, setChosen] = useState("");
  const present = scanner.data?.uuid ?? "";
  const candidates = scanners.data?.items ?? (scanner.data?.uuid ? [scanner.data] : []);

  async function save() {
    const metadata = { auto_scan: String(scan), auto_sbom_generation: String(sbom) };
    try {
      await change.mutateAsync({ metadata });
      if (chosen && chosen !== present) await choose.mutateAsync(chosen);
    } catch {
      // Shown below, by what failed.
    }
  }

  return (
    <Form
      onSubmit={save}
      action={t`Save scanning`}
      busy={change.isPending || choose.isPending}
      disabled={!changes}
      error={change.error ?? choose.error}
      failed={t`Scanning was not saved.`}
      done={change.isSuccess && !choose.isError ? t`Saved.` : undefined}
    >
      <Checkbox
        label={t`Scan images when they are pushed`}
        description={t`Known vulnerabilities are looked for in each image that comes, and again whenever the vulnerability database changes.`}
        disabled={!changes}
        checked={scan}
        onChange={(event) => setScan(event.currentTarget.checked)}
      />
      <Checkbox
        label={t`Make a bill of materials when images are pushed`}
        description={t`It lists what an image consists of (SPDX), and is kept beside the image.`}
        disabled={!changes}
        checked={sbom}
        onChange={(event) => setSbom(event.currentTarget.checked)}
      />
      <NativeSelect
        label={t`Scanner`}
        description={<AboutScanner scanner={scanner.data} failed={scanner.isError} />}
        disabled={!changes || candidates.length < 2}
        data={candidates.map((each) => ({ value: each.uuid, label: titleOf(each) }))}
        value={chosen || present}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
    </Form>
  );

  function titleOf({ name: title, is_default, health }: Scanner) {
    const notes = [is_default && t`default`, health === "unhealthy" && t`does not answer`];
    const said = notes.filter(Boolean).join(", ");
    return said ? `${title} (${said})` : title;
  }
}

function AboutScanner({ scanner, failed }: { scanner: Scanner | undefined; failed: boolean }) {
  const { t } = useLingui();
  if (failed) return t`Which one is in use can't be said now.`;
  if (!scanner?.uuid) return t`There is none.`;
  const { vendor, version, adapter } = scanner;
  return [adapter ?? scanner.name, version, vendor].filter(Boolean).join(" · ");
}
