// The portal in the browser: which page belongs to which address, and the frame around it.
// @ts-check

import { html, render, useEffect, useState } from "./vendor/preact.js";
import { useCommands } from "./lib/keys.js";
import * as live from "./lib/live.js";
import * as outbox from "./lib/outbox.js";
import { go, route } from "./lib/router.js";
import * as session from "./lib/session.js";
import { TopBar } from "./parts/bar.js";
import { Empty, Failure, Skeleton } from "./parts/empty.js";
import { Help, helpShown } from "./parts/help.js";
import { OfflineNotice } from "./parts/outbox_view.js";
import { Toasts } from "./parts/toast.js";

/** @import {Role} from "./lib/types.js" */

/**
 * @typedef {object} PageEntry
 * @property {() => Promise<{default: (props: {query: URLSearchParams}) => any}>} load
 * @property {string} [css] Its style sheet under styles/.
 * @property {Role[]} [roles] Who may open it; everybody signed in where absent.
 * @property {string} [by] The query parameter whose value makes it another page.
 */

/** One line a page. @type {Record<string, PageEntry>} */
const PAGES = {
  "/": { load: () => import("./pages/home.js"), css: "home" },
  "/leaf": { load: () => import("./pages/leaf.js"), css: "leaf", by: "id" },
  "/audit": { load: () => import("./pages/audit.js"), css: "audit", roles: ["auditor"], by: "leaf" },
  "/guideline": { load: () => import("./pages/guideline.js"), css: "guideline", roles: ["admin"], by: "id" },
  "/disputes": { load: () => import("./pages/disputes.js"), css: "disputes", roles: ["adjudicator"], by: "leaf" },
  "/recommendations": { load: () => import("./pages/recommendations.js"), css: "recommendations", roles: ["labeler"] },
  "/suspects": { load: () => import("./pages/suspects.js"), css: "suspects", roles: ["adjudicator"] },
  "/quality": { load: () => import("./pages/quality.js"), css: "quality", roles: ["admin", "adjudicator"] },
  "/duplicates": { load: () => import("./pages/duplicates.js"), css: "duplicates", roles: ["admin", "adjudicator"], by: "product" },
  "/dashboard": { load: () => import("./pages/dashboard.js"), css: "dashboard", roles: ["admin", "adjudicator"] },
  "/map": { load: () => import("./pages/map.js"), css: "map" },
  "/rounds": { load: () => import("./pages/rounds.js"), css: "rounds" },
  "/people": { load: () => import("./pages/people.js"), css: "people", roles: ["admin"] },
  "/activity": { load: () => import("./pages/activity.js"), css: "activity", roles: ["admin"] },
  "/webhooks": { load: () => import("./pages/webhooks.js"), css: "webhooks", roles: ["admin"] },
  "/releases": { load: () => import("./pages/releases.js"), css: "rounds", roles: ["admin"] },
  "/me": { load: () => import("./pages/me.js"), css: "people" },
  "/settings": { load: () => import("./pages/settings.js"), css: "settings" },
};

/** Load a page's code and style together, so that it never shows bare. @param {PageEntry} entry */
async function open(entry) {
  const [module] = await Promise.all([entry.load(), entry.css ? style(entry.css) : null]);
  return module.default;
}

/** @param {string} name @returns {Promise<void>} */
function style(name) {
  const address = `/static/styles/${name}.css`;
  if (document.querySelector(`link[href="${address}"]`)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
}

/**
 * The page of the address; loaded when first needed.
 * @param {{entry: PageEntry, query: URLSearchParams}} props
 */
function Lazy({ entry, query }) {
  const [loaded, setLoaded] = useState(/** @type {{entry: PageEntry, page: any} | null} */ (null));
  const [problem, setProblem] = useState(/** @type {import("./lib/api.js").Problem | null} */ (null));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let wanted = true;
    setProblem(null);
    open(entry).then(
      (page) => wanted && setLoaded({ entry, page }),
      (error) => wanted && setProblem(session.asProblem(error)),
    );
    return () => {
      wanted = false;
    };
  }, [entry, turn]);
  if (problem) {
    return html`<div class="page"><${Failure} problem=${problem} title="The page did not load"
      retry=${() => setTurn(turn + 1)} /></div>`;
  }
  if (loaded?.entry !== entry) return html`<div class="page"><${Skeleton} lines=${4} /></div>`;
  return html`<${loaded.page} key=${entry.by ? query.get(entry.by) : ""} query=${query} />`;
}

function Content() {
  const { path, query } = route.value;
  const entry = PAGES[path];
  if (!entry) {
    return html`<div class="page"><${Empty} title="There is no such page"
      action=${html`<a class="button button-primary" href="/">To the leaves</a>`}>
      Nothing is at <code>${path}</code>. The address may be mistyped.<//></div>`;
  }
  if (entry.roles && !session.can(...entry.roles)) {
    return html`<div class="page"><${Empty} icon="lock" title="This page is not yours to open"
      action=${html`<a class="button button-primary" href="/">To the leaves</a>`}>
      It is for people with the role ${entry.roles.join(" or ")}. An admin can give it to you.<//></div>`;
  }
  return html`<${Lazy} entry=${entry} query=${query} />`;
}

function App() {
  useCommands(["everywhere"], {
    help: () => { helpShown.value = true; },
    search: () => {
      /** @type {HTMLElement | null} */ (document.querySelector("[data-search]"))?.focus();
    },
  });
  const state = session.state.value;
  if (state === "loading") return null;
  if (state === "away") {
    return html`<main class="main"><div class="page">${session.trouble.value &&
      html`<${Failure} problem=${session.trouble.value} retry=${session.load} />`}</div></main>`;
  }
  if (state === "out") return html`<${SignedOut} />`;
  return html`
    <a class="skip" href="#main">Skip to the page</a>
    <${TopBar} />
    <main id="main" class="main" tabindex="-1"><${Content} /></main>
    ${helpShown.value && html`<${Help} />`}
    <div class="floor"><${OfflineNotice} /><${Toasts} /></div>`;
}

/** @type {PageEntry} */
const SIGN_IN = { load: () => import("./pages/sign_in.js"), css: "sign_in" };

function SignedOut() {
  return html`<main id="main" class="main" tabindex="-1">
    <${Lazy} entry=${SIGN_IN} query=${route.value.query} /></main>
    <div class="floor"><${Toasts} /></div>`;
}

session.state.subscribe((state) => {
  if (state === "in") live.start();
  else live.stop();
  if (state === "in" && route.peek().path === "/sign-in") go("/", { replace: true });
});
outbox.start();
// The first page's code is on its way while the server is asked who this is.
const first = PAGES[route.peek().path];
if (first) open(first).catch(() => {});
session.load();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
