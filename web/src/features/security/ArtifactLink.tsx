import { Link } from "@tanstack/react-router";
import { shortDigest } from "../../ui/format";
import { artifactSplat } from "../artifacts/address";
import { parts } from "./filter";

/** An artifact by its repository's full name, as a way to its page. */
export function ArtifactLink({
  name,
  digest,
  tags,
}: {
  name: string;
  digest: string;
  tags?: string[];
}) {
  const { project, repository } = parts(name);
  const shown = tags && tags.length > 0 ? `${name}:${tags[0]}` : `${name}@${shortDigest(digest)}`;
  const more = (tags?.length ?? 0) - 1;
  return (
    <>
      <Link
        to="/p/$project/r/$"
        params={{ project, _splat: artifactSplat(repository, digest) }}
        title={digest}
      >
        {shown}
      </Link>
      {more > 0 && <span title={tags?.slice(1).join(", ")}> +{more}</span>}
    </>
  );
}
