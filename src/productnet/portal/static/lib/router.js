// Where the browser is, as a signal; links inside the portal change it without loading a page.
// @ts-check

import { signal } from "../vendor/preact.js";

const here = () => ({ path: location.pathname, query: new URLSearchParams(location.search) });

/** The path and query shown now. */
export const route = signal(here());

/**
 * The address of a page, such as href("/leaf", {id}).
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} [query]
 */
export function href(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value != null && value !== "");
  if (!given.length) return path;
  return `${path}?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}

/** @param {string} address @param {{replace?: boolean}} [options] */
export function go(address, { replace = false } = {}) {
  const { path } = route.peek();
  history[replace ? "replaceState" : "pushState"](null, "", address);
  route.value = here();
  if (location.pathname !== path) scrollTo(0, 0);
}

addEventListener("popstate", () => {
  route.value = here();
});

addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (/^\/(api|static|auth|docs)\//.test(link.pathname)) return;
  // A jump inside the page is the browser's.
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
});
