import { Trans, useLingui } from "@lingui/react/macro";
import { IconFolder } from "@tabler/icons-react";
import { When } from "../../ui/When";
import { nameInProject, type Repository } from "./queries";
import { RepositoryLink } from "./RepositoryTable";
import classes from "./RepositoryTree.module.css";
import { type Branch, treeOf } from "./tree";

/** So few that all of them can be seen at once. */
const few = 40;

interface Props {
  project: string;
  rows: Repository[];
}

/** Repositories by the parts of their names. */
export function RepositoryTree({ project, rows }: Props) {
  const { t } = useLingui();
  const branches = treeOf(rows, (repository) => nameInProject(repository, project));
  return (
    <section aria-label={t`Repositories of ${project}`} className={classes.tree}>
      <Branches project={project} branches={branches} open={rows.length <= few} />
    </section>
  );
}

interface BranchesProps {
  project: string;
  branches: Branch<Repository>[];
  open: boolean;
}

function Branches({ project, branches, open }: BranchesProps) {
  return (
    <ul className={classes.list}>
      {branches.map((branch) => (
        <li key={branch.path}>
          {branch.leaf && <Leaf project={project} branch={branch} />}
          {branch.below.length > 0 && (
            <details open={open} className={classes.folder}>
              <summary>
                <IconFolder size={16} aria-hidden />
                <span className={classes.name}>{branch.label}/</span>
                <span className={classes.count}>{branch.count - (branch.leaf ? 1 : 0)}</span>
              </summary>
              <Branches project={project} branches={branch.below} open={open} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function Leaf({ project, branch }: { project: string; branch: Branch<Repository> }) {
  const { leaf, label } = branch;
  if (!leaf) return null;
  return (
    <div className={classes.leaf}>
      <RepositoryLink project={project} repository={leaf} label={label} />
      <span className={classes.facts}>
        <span>
          <Trans>Artifacts: {leaf.artifact_count ?? 0}</Trans>
        </span>
        <span>
          <Trans>Pulls: {leaf.pull_count ?? 0}</Trans>
        </span>
        <When time={leaf.update_time} />
      </span>
    </div>
  );
}
