// What the registry does and has, for its administrators.
export const pages = {
  "system-registries": "/admin/registries",
  "system-scanners": "/admin/scanners",
  "system-vulnerability-data": "/admin/vulnerability-data",
  "system-storage": "/admin/storage",
  "system-configuration": "/admin/configuration",
  "system-quotas": "/admin/quotas",
  "system-labels": "/admin/labels",
  "system-preheat": "/admin/preheat",
  "system-trust": "/admin/trust",
  "system-health": "/admin/health",
  "system-about": "/about",
};
