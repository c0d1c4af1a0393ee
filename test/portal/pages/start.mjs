// What the first journey made.
export const pages = {
  home: "/",
  projects: "/projects",
  project: "/p/team-one",
  repository: "/p/team-one/r/backend/my-app",
  cache: "/p/hub",
  account: "/me",
  "start-sign-in": "/account/sign-in",
  "start-address": "/welcome?step=address",
  "start-storage": "/welcome?step=storage",
  "start-project": "/welcome?step=project",
  "start-nowhere": "/start/nowhere",
};
