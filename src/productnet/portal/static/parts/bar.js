// The top bar: where one can go, whether every answer is safe, who one is.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { keyName } from "../lib/keys.js";
import * as outbox from "../lib/outbox.js";
import { theme } from "../lib/prefs.js";
import { route } from "../lib/router.js";
import { can, person, session, signOut } from "../lib/session.js";
import { helpShown } from "./help.js";
import { Icon } from "./icon.js";
import { Menu } from "./menu.js";
import { OutboxDialog, outboxState } from "./outbox_view.js";
import { toast } from "./toast.js";

/** @import {Role} from "../lib/types.js" */

/**
 * @typedef {object} Link
 * @property {string} path
 * @property {string} label
 * @property {Role[]} [roles] Who sees it; everybody where absent.
 * @property {boolean} [main] In the bar itself on wide windows, else under "More".
 * @property {string[]} [covers] Other pages during which it is the current one.
 */

/** @type {Link[]} */
const LINKS = [
  { path: "/", label: "Leaves", main: true, covers: ["/leaf"] },
  { path: "/audit", label: "Audit", roles: ["auditor"], main: true },
  { path: "/disputes", label: "Disputes", roles: ["adjudicator"], main: true },
  { path: "/recommendations", label: "Recommendations", roles: ["labeler"], main: true },
  { path: "/dashboard", label: "Dashboard", roles: ["admin", "adjudicator"], main: true },
  { path: "/map", label: "Map", main: true },
  { path: "/rounds", label: "Rounds", main: true },
  { path: "/releases", label: "Releases", roles: ["admin"] },
  { path: "/quality", label: "Data quality", roles: ["admin", "adjudicator"] },
  { path: "/duplicates", label: "Near-duplicates", roles: ["admin", "adjudicator"] },
  { path: "/suspects", label: "Suspected errors", roles: ["adjudicator"] },
  { path: "/people", label: "People", roles: ["admin"] },
  { path: "/activity", label: "Activity", roles: ["admin"] },
  { path: "/webhooks", label: "Webhooks", roles: ["admin"] },
];

export function TopBar() {
  const shown = LINKS.filter((link) => !link.roles || can(...link.roles));
  const more = shown.filter((link) => !link.main);
  const here = current(shown)?.label ?? "Pages";
  return html`<header class="bar">
    <a class="bar-brand" href="/" title=${session.value?.project.name ?? "ProductNet"}>
      <img src="/static/icon.svg" alt="" width="24" height="24" />
      <span class="clip">${session.value?.project.name ?? "ProductNet"}</span>
    </a>
    <nav class="bar-links" aria-label="Pages">
      ${shown.filter((link) => link.main).map((link) => html`<${BarLink} key=${link.path} link=${link} />`)}
      ${more.length > 0 && html`<${Menu} label="More pages" class="bar-more" align="left"
        button=${html`More <${Icon} name="down" size=${14} />`}>
        ${(/** @type {() => void} */ close) => more.map((link) => html`<${MenuLink} key=${link.path} link=${link} close=${close} />`)}
      <//>`}
    </nav>
    <${Menu} label="Pages: ${here}" class="bar-all" align="left"
      button=${html`${here} <${Icon} name="down" size=${14} />`}>
      ${(/** @type {() => void} */ close) => shown.map((link) => html`<${MenuLink} key=${link.path} link=${link} close=${close} />`)}
    <//>
    <div class="bar-end">
      <${OutboxChip} />
      <button type="button" class="button button-quiet button-icon" title="Keys (${keyName("help")})"
        aria-label="Show the keys" onClick=${() => { helpShown.value = true; }}>
        <${Icon} name="keys" />
      </button>
      <${ThemeButton} />
      <${PersonMenu} />
    </div>
  </header>`;
}

/** @param {Link[]} links */
const current = (links) => links.find(isCurrent);
/** @param {Link} link */
const isCurrent = (link) =>
  link.path === route.value.path || (link.covers ?? []).includes(route.value.path);

/** @param {{link: Link}} props */
function BarLink({ link }) {
  return html`<a class="bar-link" href=${link.path} aria-current=${isCurrent(link) ? "page" : undefined}>
    ${link.label}</a>`;
}

/** @param {{link: Link, close: () => void}} props */
function MenuLink({ link, close }) {
  return html`<a class="menu-item" role="menuitem" href=${link.path} onClick=${close}
    aria-current=${isCurrent(link) ? "page" : undefined}>${link.label}</a>`;
}

const THEMES = /** @type {const} */ ({
  system: { next: "light", icon: "system", words: "Theme: as the system" },
  light: { next: "dark", icon: "sun", words: "Theme: light" },
  dark: { next: "system", icon: "moon", words: "Theme: dark" },
});

function ThemeButton() {
  const now = THEMES[/** @type {keyof typeof THEMES} */ (theme.value)] ?? THEMES.system;
  return html`<button type="button" class="button button-quiet button-icon" title=${now.words}
    aria-label=${now.words} onClick=${() => { theme.value = now.next; }}>
    <${Icon} name=${now.icon} />
  </button>`;
}

/** Whether every answer is with the server. It is quiet unless something waits. */
function OutboxChip() {
  const [open, setOpen] = useState(false);
  const { tone, short, words, icon } = outboxState();
  return html`<button type="button" class="chip chip-${tone}" title=${words} aria-label="${short}. ${words}"
      onClick=${() => setOpen(true)}>
      <${Icon} name=${icon} size=${16} /><span class="chip-words">${short}</span>
    </button>
    ${open && html`<${OutboxDialog} close=${() => setOpen(false)} />`}`;
}

function PersonMenu() {
  const who = person.value;
  if (!who) return null;
  const leave = () => {
    const kept = outbox.pending.peek();
    signOut().catch((error) => toast(error.message, { tone: "bad" }));
    if (kept) toast(`${kept} answers stay on this computer until ${who.display_name || who.name} signs in again.`);
  };
  return html`<${Menu} label="${who.display_name || who.name}: account" button=${html`<${Icon} name="person" />`}>
    ${(/** @type {() => void} */ close) => html`
      <p class="menu-head"><b><bdi>${who.display_name || who.name}</bdi></b><br />
        <span class="muted small">${who.roles.join(", ")}</span></p>
      <a class="menu-item" role="menuitem" href="/me" onClick=${close}><${Icon} name="lock" /> Your account</a>
      <a class="menu-item" role="menuitem" href="/settings" onClick=${close}><${Icon} name="gear" /> Settings and keys</a>
      ${session.value?.mode === "team" && html`<button type="button" class="menu-item" role="menuitem"
        onClick=${() => { close(); leave(); }}><${Icon} name="leave" /> Sign out</button>`}`}
  <//>`;
}
