import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { type Step, steps } from "../features/welcome/progress";
import { laterPage } from "./later";
import { root } from "./root";
import { ownPath, type Search, text } from "./search";

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("../features/home/HomePage"), "HomePage"),
});

const me = createRoute({
  getParentRoute: () => root,
  path: "/me",
  component: laterPage("account", () => import("../features/account/AccountPage"), "AccountPage"),
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: "/welcome",
  validateSearch: (search: Search): { step?: Step } => {
    const step = steps.find((each) => each === search.step);
    return step ? { step } : {};
  },
  component: laterPage("account", () => import("../features/welcome/WelcomePage"), "WelcomePage"),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/account/sign-in",
  validateSearch: (search: Search): { reason?: string; next?: string } => ({
    ...(text(search.reason) && { reason: text(search.reason) }),
    ...(ownPath(text(search.next)) && { next: text(search.next) }),
  }),
  component: lazyRouteComponent(() => import("../features/session/SignInPage"), "SignInPage"),
});

const onboard = createRoute({
  getParentRoute: () => root,
  path: "/oidc-onboard",
  validateSearch: (search: Search): { username?: string; redirect_url?: string } => ({
    ...(text(search.username) && { username: text(search.username) }),
    ...(text(search.redirect_url) && { redirect_url: text(search.redirect_url) }),
  }),
  component: lazyRouteComponent(() => import("../features/session/OnboardPage"), "OnboardPage"),
});

/** Home, the way in, and what is the caller's own. */
export const startRoutes = [home, me, welcome, signIn, onboard] as const;
