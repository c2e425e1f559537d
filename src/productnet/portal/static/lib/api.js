// The HTTP API: one function for each operation that a page uses, and one kind of error for
// whatever goes wrong.
// @ts-check

/** @import * as T from "./types.js" */

const PREFIX = "/api/v1";

/** What went wrong, in the server's words. Status 0: the server was not reached. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} title
   * @param {string} detail
   * @param {Record<string, any>} [extensions]
   */
  constructor(status, title, detail, extensions = {}) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.detail = detail || title;
    this.extensions = extensions;
  }

  /** Whether the server was not reached, or is not able to answer now: trying again may help. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

let csrf = "";
/** @type {(problem: Problem) => void} */
let signedOut = () => {};

/** @param {string} token Sent with every request that changes something. */
export function setCsrf(token) {
  csrf = token;
}

/** @param {(problem: Problem) => void} listener Called when the server knows nobody by the cookie. */
export function onSignedOut(listener) {
  signedOut = listener;
}

/**
 * @typedef {object} RequestOptions
 * @property {Record<string, string | number | boolean | string[] | null | undefined>} [query]
 * @property {unknown} [body] Sent as JSON.
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive] Outlives the page.
 * @property {number} [patience] Seconds to wait for the answer.
 * @property {"json" | "buffer"} [as] What the answer is read as.
 * @property {boolean} [quiet] A 401 is an answer like another: nobody is sent to the sign-in page.
 */

/**
 * Ask the server; raises Problem.
 * @param {string} method
 * @param {string} path Below /api/v1.
 * @param {RequestOptions} [options]
 * @returns {Promise<any>} The answer; null if it has no body.
 */
export async function request(method, path, options = {}) {
  const { query, body, signal, keepalive, patience = 60, as = "json", quiet = false } = options;
  // A line that is dead without saying so must not hold anything up for good.
  const enough = AbortSignal.timeout(patience * 1000);
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let response;
  try {
    response = await fetch(PREFIX + path + search(query), {
      method,
      headers,
      credentials: "same-origin",
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, enough]) : enough,
      ...(keepalive && { keepalive }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "No connection", "The server cannot be reached. Check the network.");
  }
  if (response.ok) {
    if (as === "buffer") return response.arrayBuffer();
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }
  const problem = await problemOf(response);
  if (problem.status === 401 && !quiet) signedOut(problem);
  throw problem;
}

/** @param {Response} response */
async function problemOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const { title, detail, status: _status, type: _type, ...rest } = JSON.parse(text);
    if (typeof title === "string" || typeof detail === "string") {
      return new Problem(response.status, title ?? "", detail ?? "", rest);
    }
  } catch {
    // Not ours: a proxy answered in between.
  }
  const words = `The server answered ${response.status}${
    response.statusText ? ` (${response.statusText})` : ""
  }. Try again; if it stays so, tell your admin.`;
  return new Problem(response.status, "Unexpected answer", words);
}

/** @param {RequestOptions["query"]} query A list is sent as its values, one by one. */
function search(query) {
  const given = Object.entries(query ?? {}).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).filter((one) => one != null && one !== "")
      .map((one) => [key, String(one)]));
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** @param {string} path @param {RequestOptions["query"]} [query] @param {RequestOptions} [more] */
const get = (path, query, more) => request("GET", path, { ...more, query });
/** @param {string} path @param {unknown} [body] @param {RequestOptions} [more] */
const post = (path, body, more) => request("POST", path, { ...more, body });

// Who is here.

/** @returns {Promise<T.Session>} */
export const getSession = () => get("/session", {}, { quiet: true });
/** @param {string} name @param {string} password @returns {Promise<T.Session>} */
export const signIn = (name, password) => post("/session", { name, password }, { quiet: true });
export const signOut = () => request("DELETE", "/session");
/** @param {string} old @param {string} fresh */
export const changePassword = (old, fresh) => post("/password", { old, new: fresh });
/** @returns {Promise<T.Page<T.Account>>} */
export const listPeople = () => get("/people");
/** @param {object} person @returns {Promise<T.Account>} */
export const addPerson = (person) => post("/people", person);
/** @param {string} name @param {object} changes @returns {Promise<T.Account>} */
export const changePerson = (name, changes) =>
  request("PATCH", "/people", { query: { name }, body: changes });
/** @param {string} name @returns {Promise<T.Page<T.OpenSession>>} */
export const listSessionsOf = (name) => get("/people/sessions", { name });
/** @param {string} name */
export const endSessionsOf = (name) => request("DELETE", "/people/sessions", { query: { name } });
/** @returns {Promise<T.Page<T.OpenSession>>} */
export const listSessions = () => get("/sessions");
/** @param {string} id */
export const endSession = (id) => request("DELETE", "/sessions", { query: { id } });
/** @returns {Promise<T.Page<T.ApiKey>>} */
export const listKeys = () => get("/keys");
/** @param {{label: string, scopes: string[], expires_at?: string | null}} key
 * @returns {Promise<T.ApiKey & {key: string}>} */
export const addKey = (key) => post("/keys", key);
/** @param {string} id @returns {Promise<T.ApiKey>} */
export const revokeKey = (id) => request("DELETE", "/keys", { query: { id } });

// The taxonomy and what is done of it.

/** @returns {Promise<T.TreeColumns>} */
export const getTree = () => get("/tree");
/** @returns {Promise<T.Progress>} */
export const getProgress = () => get("/progress");
/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<T.Leaf>} */
export const getLeaf = (id, signal) => get("/leaf", { id }, signal && { signal });
/** @param {string} id @param {T.Guideline & {version: string}} guideline Its version: of what was read. */
export const putGuideline = (id, guideline) => request("PUT", "/guideline", { query: { id }, body: guideline });
/** @param {T.Task} task @param {number} [count] @returns {Promise<T.Page<T.QueueItem>>} */
export const getQueue = (task, count) => get("/queue", { task, count });
/** @param {string} leaf @param {T.Task} task @param {string | null} person */
export const assign = (leaf, task, person) => post("/assignments", { leaf, task, person });
/** @param {string} leaf @param {T.Task} task @returns {Promise<T.Lease>} */
export const takeLease = (leaf, task) => post("/leases", { leaf, task });
/** @param {string} leaf @param {T.Task} task */
export const releaseLease = (leaf, task) =>
  post("/leases/release", { leaf, task }, { keepalive: true, quiet: true });

// Products and answers.

/** @param {T.CandidatesRequest} wish @param {AbortSignal} [signal] @returns {Promise<T.CandidatesPage>} */
export const getCandidates = (wish, signal) => post("/candidates", wish, signal && { signal });
/** @param {string} id @returns {Promise<T.Product>} */
export const getProduct = (id) => get("/product", { id });
/**
 * @param {string} id
 * @param {"positives" | "hard_negatives" | "negatives" | "unsure"} kind
 * @param {{cursor?: string, limit?: number}} [page]
 * @returns {Promise<T.Page<T.LeafProduct>>}
 */
export const getLeafProducts = (id, kind, page) => get("/leaf/products", { id, kind, ...page });
/** @param {T.Decision[]} decisions @returns {Promise<T.DecisionsAnswer>} */
export const recordDecisions = (decisions) => post("/decisions", { decisions }, { patience: 20 });

// Audit, disputes, recommendations.

/** @param {{leaf: string, count: number, cursor?: string}} query @param {AbortSignal} [signal]
 * @returns {Promise<T.AuditPage>} */
export const getAudit = (query, signal) => get("/audit", query, signal && { signal });
/** @param {{leaf?: string, cursor?: string, limit?: number}} [query] @returns {Promise<T.DisputesPage>} */
export const listDisputes = (query) => get("/disputes", query);
/** @returns {Promise<T.RecommendedLeaves>} */
export const listRecommendations = () => get("/recommendations");
/** @param {{leaf: string, min?: number, cursor?: string, limit?: number}} query
 * @param {AbortSignal} [signal] @returns {Promise<T.RecommendedPage>} */
export const listRecommendedProducts = (query, signal) =>
  get("/recommendations/products", query, signal && { signal });
/** @param {{leaf?: string, cursor?: string, limit?: number}} [query] @returns {Promise<T.SuspectsPage>} */
export const listSuspects = (query) => get("/suspects", query);

/** @returns {Promise<T.Flaws>} */
export const listFlaws = () => get("/flaws");
/** @returns {Promise<T.Job>} */
export const startInspection = () => post("/flaws");
/** @param {{product?: string, limit?: number}} [query] @returns {Promise<T.LikeGroups>} */
export const listDuplicates = (query) => get("/duplicates", query);
/** @param {{id: string, products: string[], apart: string[]}} review @returns {Promise<{id: string}>} */
export const reviewDuplicates = (review) => post("/duplicates", review);
/** @param {{id: string, review: string}} back @returns {Promise<{id: string}>} */
export const takeBackReview = (back) => post("/duplicates/undo", back);

// Overview and operation.

/** @param {number} days @returns {Promise<T.Dashboard>} */
export const getDashboard = (days) => get("/dashboard", { days });
/** @param {{sort: string, cursor?: string | null, limit?: number}} page @returns {Promise<T.Page<T.LeafRow>>} */
export const listLeafQuality = (page) => get("/dashboard/leaves", page);
/** @param {{cursor?: string | null, limit?: number, kind?: string[], person?: string}} [page]
 * @returns {Promise<T.Page<T.Happened>>} */
export const listActivity = (page) => get("/activity", page);
/** @returns {Promise<T.Rounds>} */
export const listRounds = () => get("/rounds");
/** @param {{preset: string}} options @returns {Promise<T.Job>} */
export const startRound = (options) => post("/rounds", options);
/** @param {string} id @returns {Promise<T.Job>} */
export const getJob = (id) => get("/jobs", { id });
/** @param {string} id @returns {Promise<T.Job>} */
export const cancelJob = (id) => request("POST", "/jobs/cancel", { query: { id } });
/** @returns {Promise<T.Releases>} */
export const listReleases = () => get("/releases");
/** @param {string} version @returns {Promise<T.Job>} */
export const startRelease = (version) => post("/releases", { version });
/** Address of a file of a release, to be downloaded. @param {string} version @param {string} path */
export const releaseFile = (version, path) =>
  `${PREFIX}/releases/file${search({ version, path })}`;
/** Address of a whole release as a tar file. @param {string} version */
export const releaseArchive = (version) => `${PREFIX}/releases/archive${search({ version })}`;
/** @returns {Promise<T.MapState>} */
export const getMap = () => get("/map");
/** @returns {Promise<ArrayBuffer>} float32 x, y by turns. */
export const getMapPoints = () => get("/map/points", {}, { as: "buffer" });
/** @typedef {{by: T.MapBy, leaf?: string}} MapColouring */
/** @param {MapColouring} colouring @returns {Promise<T.MapLegend>} */
export const getMapLegend = (colouring) => get("/map/legend", colouring);
/** @param {MapColouring} colouring @returns {Promise<ArrayBuffer>} A code a point. */
export const getMapColours = (colouring) => get("/map/colours", colouring, { as: "buffer" });
/** @param {string} version @param {number[]} rows @returns {Promise<{ids: string[]}>} */
export const getMapIds = (version, rows) => post("/map/ids", { version, rows });
/** @param {string} version @param {number[]} rows @param {AbortSignal} [signal] @returns {Promise<{items: T.Card[]}>} */
export const getMapProducts = (version, rows, signal) =>
  post("/map/products", { version, rows }, signal && { signal });
/** @returns {Promise<T.Page<T.Webhook> & {kinds: string[]}>} */
export const listWebhooks = () => get("/webhooks");
/** @param {{url: string, kinds: string[]}} hook @returns {Promise<T.Webhook & {secret: string}>} */
export const addWebhook = (hook) => post("/webhooks", hook);
/** @param {string} id @param {object} changes @returns {Promise<T.Webhook>} */
export const changeWebhook = (id, changes) =>
  request("PATCH", "/webhooks", { query: { id }, body: changes });
/** @param {string} id */
export const deleteWebhook = (id) => request("DELETE", "/webhooks", { query: { id } });
/** @param {{webhook?: string, cursor?: string | null, limit?: number}} [page]
 * @returns {Promise<T.Page<T.Delivery>>} */
export const listDeliveries = (page) => get("/webhooks/deliveries", page);
/** @param {number} id @returns {Promise<T.Delivery>} */
export const sendAgain = (id) =>
  request("POST", "/webhooks/deliveries/again", { query: { id } });
