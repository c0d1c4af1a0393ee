import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import type { Schema } from "../../api/client";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { Digest } from "../../ui/Digest";
import { Section } from "../../ui/Page";
import { When } from "../../ui/When";
import { artifactSplat } from "./address";
import type { PlaceProps } from "./place";
import type { Artifact } from "./queries";
import { platformName } from "./rows";

type Props = PlaceProps & { artifact: Artifact };
type Reference = Schema["ArtifactReference"];
type Accessory = Schema["Accessory"];

/** The images of an index, one for each platform. */
export function Platforms({ project, repository, artifact }: Props) {
  const { t } = useLingui();
  const children = artifact.references ?? [];
  if (children.length === 0) return null;
  const columns: Column<Reference>[] = [
    {
      key: "platform",
      title: t`Platform`,
      names: true,
      cell: (child) => (
        <Link
          to="/p/$project/r/$"
          params={{ project, _splat: artifactSplat(repository, child.child_digest ?? "") }}
        >
          {platformName(child.platform) || t`not given`}
        </Link>
      ),
    },
    {
      key: "digest",
      title: t`Digest`,
      cell: (child) => <Digest value={child.child_digest ?? ""} />,
    },
  ];
  return (
    <Section title={t`What it holds`}>
      <DataTable
        caption={t`Images of this index`}
        columns={columns}
        rows={children}
        rowKey={(child) => child.child_digest ?? ""}
      />
    </Section>
  );
}

/** Signatures, inventories and whatever else was attached to an artifact. */
export function Accessories({ project, repository, artifact }: Props) {
  const { t } = useLingui();
  const accessories = artifact.accessories ?? [];
  if (accessories.length === 0) return null;
  const columns: Column<Accessory>[] = [
    {
      key: "type",
      title: t`Type`,
      names: true,
      cell: (accessory) => (
        <Link
          to="/p/$project/r/$"
          params={{ project, _splat: artifactSplat(repository, accessory.digest ?? "") }}
        >
          {accessory.type}
        </Link>
      ),
    },
    {
      key: "digest",
      title: t`Digest`,
      cell: (accessory) => <Digest value={accessory.digest ?? ""} />,
    },
    {
      key: "size",
      title: t`Size`,
      number: true,
      cell: (accessory) => <Bytes value={accessory.size ?? 0} />,
    },
    {
      key: "pushed",
      title: t`Pushed`,
      number: true,
      cell: (accessory) => <When time={accessory.creation_time} />,
    },
  ];
  return (
    <Section title={t`What belongs to it`}>
      <DataTable
        caption={t`Accessories`}
        columns={columns}
        rows={accessories}
        rowKey={(accessory) => accessory.digest ?? ""}
      />
    </Section>
  );
}
