/** A part of repository names: what is below it, and the repository that ends here, if one does. */
export interface Branch<T> {
  /** The parts from the parent to here, with slashes where nothing else branches off. */
  label: string;
  /** The whole name up to here. */
  path: string;
  leaf?: T;
  below: Branch<T>[];
  /** How many repositories are here and below. */
  count: number;
}

function branch<T>(label: string, path: string): Branch<T> {
  return { label, path, below: [], count: 0 };
}

function insert<T>(root: Branch<T>, name: string, leaf: T) {
  let at = root;
  at.count++;
  for (const part of name.split("/")) {
    let next = at.below.find((each) => each.label === part);
    if (!next) {
      next = branch<T>(part, at.path ? `${at.path}/${part}` : part);
      at.below.push(next);
    }
    next.count++;
    at = next;
  }
  at.leaf = leaf;
}

/** Joins a branch with the only one below it, and puts the others in order. */
function tidy<T>(at: Branch<T>): Branch<T> {
  const [only] = at.below;
  if (only && at.below.length === 1 && !at.leaf) {
    return tidy({ ...only, label: `${at.label}/${only.label}` });
  }
  const below = at.below.map(tidy).sort((a, b) => a.label.localeCompare(b.label));
  return { ...at, below };
}

/** Repositories by the parts of their names. */
export function treeOf<T>(all: T[], nameOf: (one: T) => string): Branch<T>[] {
  const root = branch<T>("", "");
  for (const one of all) insert(root, nameOf(one), one);
  return root.below.map(tidy).sort((a, b) => a.label.localeCompare(b.label));
}
