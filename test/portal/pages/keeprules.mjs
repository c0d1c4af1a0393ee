// What stays, what doesn't move, what was deleted, and what a cache does.
export const pages = {
  "keeprules-retention": "/p/keeprules/settings/retention",
  "keeprules-tag-rules": "/p/keeprules/settings/tag-rules",
  "keeprules-trash": "/p/keeprules/settings/trash",
  "keeprules-proxy": "/p/keeprules-cache/settings/proxy",
  "keeprules-default-retention": "/admin/retention",
  "keeprules-all-trash": "/admin/trash",
};
