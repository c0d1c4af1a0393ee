// What the journeys through projects and their settings made.
const settings = "/p/people-shop/settings";

export const pages = {
  "people-projects": "/projects?show=private",
  "people-list": "/p/people-shop",
  "people-tree": "/p/people-shop?view=tree",
  "people-general": `${settings}/general`,
  "people-members": `${settings}/members`,
  "people-robots": `${settings}/robots`,
  "people-robot": `${settings}/robots?edit=new`,
  "people-labels": `${settings}/labels`,
  "people-storage": `${settings}/quota`,
  "people-log": `${settings}/logs`,
};
