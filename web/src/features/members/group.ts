import type { Schema } from "../../api/client";

/** How the API is told of a group: by its number where it is known, else by how its provider names it. */
export function newGroup(
  name: string,
  known: Schema["UserGroupSearchItem"] | undefined,
  type: number,
): Schema["UserGroup"] {
  if (known?.id) return { id: known.id };
  if (type === 1) return { group_type: type, ldap_group_dn: name };
  return { group_type: type, group_name: name };
}
