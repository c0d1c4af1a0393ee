import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Bytes } from "../../ui/Bytes";
import { Digest } from "../../ui/Digest";
import { shortDigest } from "../../ui/format";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import classes from "./Accessories.module.css";
import { accessoryWord } from "./accessoryWord";
import { artifactSplat } from "./address";
import type { PlaceProps } from "./place";
import { type Accessory, type Artifact, useAccessories } from "./queries";

/** Signatures, inventories and whatever else refers to an artifact, and what refers to these. */
export function Accessories({
  project,
  repository,
  artifact,
}: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  const accessories = artifact.accessories ?? [];
  if (accessories.length === 0) return null;
  return (
    <Section title={t`What belongs to it`}>
      <Branch project={project} repository={repository} accessories={accessories} />
    </Section>
  );
}

function Branch({ accessories, ...place }: PlaceProps & { accessories: Accessory[] }) {
  return (
    <ul className={classes.branch}>
      {accessories.map((accessory) => (
        <Twig key={accessory.digest} {...place} accessory={accessory} />
      ))}
    </ul>
  );
}

function Twig({ project, repository, accessory }: PlaceProps & { accessory: Accessory }) {
  const { t, i18n } = useLingui();
  const [open, setOpen] = useState(false);
  const place = { project, repository };
  const Sign = open ? IconChevronDown : IconChevronRight;
  return (
    <li>
      <div className={classes.twig}>
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          aria-expanded={open}
          aria-label={t`What refers to ${shortDigest(accessory.digest)}`}
          onClick={() => setOpen(!open)}
        >
          <Sign size={16} aria-hidden />
        </ActionIcon>
        <Link
          to="/p/$project/r/$"
          params={{ project, _splat: artifactSplat(repository, accessory.digest) }}
        >
          {i18n._(accessoryWord(accessory.type))}
        </Link>
        <Digest value={accessory.digest} />
        <Bytes value={accessory.size} />
        <When time={accessory.creation_time} />
      </div>
      {open && <Below {...place} digest={accessory.digest} />}
    </li>
  );
}

function Below({ project, repository, digest }: PlaceProps & { digest: string }) {
  const { t } = useLingui();
  const place = { project, repository };
  const found = useAccessories(place, digest, true);
  if (found.isPending) return <Loading rows={1} />;
  if (found.isError) {
    return <Failed what={t`What refers to it can't be listed.`} error={found.error} />;
  }
  if (found.data.items.length === 0) {
    return (
      <p className={classes.none}>
        <Trans>Nothing refers to it.</Trans>
      </p>
    );
  }
  return <Branch {...place} accessories={found.data.items} />;
}
