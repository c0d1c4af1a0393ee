// What the first journey made.
export const pages = {
  home: "/",
  projects: "/projects",
  project: "/p/team-one",
  repository: "/p/team-one/r/backend/my-app",
  cache: "/p/hub",
  account: "/me",
};
