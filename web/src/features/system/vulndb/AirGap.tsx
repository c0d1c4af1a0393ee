import { Trans, useLingui } from "@lingui/react/macro";
import { CommandTabs } from "../../../ui/CommandTabs";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";

/** How the database comes to a registry without the internet, with this host in the commands. */
export function AirGap() {
  const { t } = useLingui();
  const { host, origin } = window.location;
  const name = "trivy-db:2";
  const out = t`Where the internet is:`;
  const here = t`Carry it over, and here:`;
  const tools = [
    {
      name: "haven",
      steps: [
        { title: out, command: `oras copy --to-oci-layout ghcr.io/aquasecurity/${name} ./${name}` },
        {
          title: here,
          command: `haven vulndb import ./trivy-db --server ${origin} --username admin --password-stdin`,
        },
      ],
    },
    {
      name: "oras",
      steps: [
        { title: out, command: `oras copy --to-oci-layout ghcr.io/aquasecurity/${name} ./${name}` },
        {
          title: here,
          command: `oras copy --from-oci-layout ./${name} ${host}/security/${name}`,
        },
        {
          title: t`Then start Haven with its own copy as the source:`,
          command: `haven serve --vulndb-source oci://${host}/security/${name}`,
        },
      ],
    },
    {
      name: "curl",
      steps: [
        {
          title: t`An archive from another Haven, imported here:`,
          command: `curl -u admin -X POST ${origin}/api/haven/v1/vulndb/import -H 'Content-Type: application/octet-stream' --data-binary @trivy-db.tar.gz`,
        },
      ],
    },
  ];
  return (
    <Section title={t`Without the internet`}>
      <p className={classes.prose}>
        <Trans>
          No image is sent anywhere to be scanned. All that has to come from outside is the
          database: each day, if new vulnerabilities are to be found.
        </Trans>
      </p>
      <CommandTabs tools={tools} label={t`importing the vulnerability database`} />
    </Section>
  );
}
