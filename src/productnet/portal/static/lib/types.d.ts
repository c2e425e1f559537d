// The API's bodies, for the type check. The names are those of the HTTP API.

export type Verdict = "positive" | "negative" | "unsure";
export type Role = "labeler" | "auditor" | "adjudicator" | "admin";
export type Task = "label" | "audit" | "adjudicate";

export interface Named { name: string; help: string }
export interface Person { name: string; display_name: string; roles: Role[] }

export interface Session {
  person: Person;
  mode: "single" | "team";
  csrf: string;
  project: {
    name: string; products: number; taxonomy: string; leaves: number;
    embedding_set: string | null; round: number | null;
  };
  targets: Targets;
  sources: Named[];
  local_models: Named[];
  text_fields: string[];
}

export interface Targets { positives: number; hard_negatives: number }

export interface LeafProgress {
  labelled_positive: number; labelled_negative: number; unsure: number; gold: number;
  hard_negatives: number; disputed: number; to_audit: number; decisions: number; seconds: number;
}

/** The taxonomy as columns, depth first. */
export interface TreeColumns {
  name: string; version: string; id: string[]; label: string[]; parent: number[]; leaf: boolean[];
}
export interface Progress {
  target: number; leaves: Record<string, LeafProgress>; leases: Lease[];
}

export interface Lease { leaf: string; task: Task; holder: string; expires_at: string }

export interface Guideline {
  definition: string; include: string[]; exclude: string[]; examples: string[];
}

export interface Leaf {
  id: string; name: string; path: string[]; leaf: boolean;
  guideline: Guideline;
  guideline_fault: string | null;
  guideline_version: string;
  siblings: { id: string; name: string; gold: number | null }[];
  /** Not told to whoever audits the leaf now. */
  progress: LeafProgress | null;
  leases: Lease[];
}

export interface QueueItem {
  leaf: string; name: string; path: string[]; task: Task; why: string; assigned: boolean;
  waiting: number;
  /** Not told of leaves to audit. */
  progress: LeafProgress | null;
}

export interface Card {
  product: string; title: string | null; brand: string | null;
  /** Address of the small picture. */
  thumbnail: string | null;
}
export interface Candidate extends Card {
  source: string; score: number | null; reason: string; model_version: string | null;
  behind: number; copies: string[]; copy_count: number;
}
export interface LeafProduct extends Card { verdict: Verdict; stage: string; mine: boolean }
export interface Product extends Card {
  fields: Record<string, string>;
  images: { url: string; width: number; height: number }[];
  image_error: string | null;
}

export interface CandidatesRequest {
  leaf: string; source: string; count: number; exclude: string[];
  ask?: string; model?: string; query?: string; fields?: string[]; ids?: string;
  text?: string; image_url?: string; image_base64?: string;
}
export interface CandidatesPage {
  candidates: Candidate[]; unknown_ids: string[]; model_version: string | null;
  behind: number;
}

export interface Decision {
  id: string; product: string; leaf: string;
  role: "label" | "audit" | "adjudicate" | "challenge" | "undo";
  verdict?: Verdict; undoes?: string; seconds?: number; source?: string | null;
  model_version?: string | null; score?: number | null; note?: string; at?: string;
}
export interface DecisionResult {
  id: string; status: "recorded" | "known" | "refused"; detail?: string | null;
}
export interface DecisionsAnswer {
  results: DecisionResult[]; progress: Record<string, LeafProgress>;
}

export type MapBy = "leaf" | "verdict" | "disagreement";
export interface MapState {
  ready: boolean; why: string | null; version: string; embedding_set: string; count: number;
  missing: number;
}
export interface MapGroup {
  code: number; kind: string; label: string; leaf: string | null; count: number; x: number; y: number;
}
export interface MapLegend { version: string; groups: MapGroup[] }

export interface Page<T> { items: T[]; next_cursor?: string | null }

/** An answer that waits in this browser; see outbox.js. */
export interface Waiting {
  n: number; person: string; decision: Decision; state: "waiting" | "refused";
  title: string; leafName: string; detail?: string;
}

export interface Account {
  name: string; display_name: string; roles: Role[]; active: boolean; created_at: string;
  seen_at: string | null; sessions: number; has_password: boolean; by_provider: boolean;
}
export interface OpenSession {
  id: string; created_at: string; seen_at: string; expires_at: string; address: string;
  agent: string; here: boolean;
}
export interface ApiKey {
  id: string; label: string; scopes: string[]; created_at: string; expires_at: string | null;
  used_at: string | null; revoked_at: string | null;
}
export interface Happened {
  id: number; kind: string; person: string | null; subject: string | null; name: string | null;
  details: Record<string, string | number | boolean | null | string[]>; at: string;
}
export interface Webhook {
  id: string; url: string; kinds: string[]; active: boolean; created_by: string | null;
  created_at: string; failing_since: string | null; disabled_because: string | null;
}
export interface Delivery {
  id: number; webhook: string; message: string; kind: string;
  state: "waiting" | "delivered" | "dead"; attempts: number; due_at: string;
  attempted_at: string | null; status: number | null; error: string | null; created_at: string;
}

export interface Job {
  id: string; kind: "round" | "release"; arguments: Record<string, string>; person: string | null;
  state: "running" | "done" | "failed" | "stopped"; started_at: string; finished_at: string | null;
  step: string | null; message: string | null; done: number; total: number | null;
  result: Record<string, any> | null; log: string | null;
}
export interface TableRow {
  name: string; top1: number; top3: number; top5: number; macro_f1: number; seconds: number;
  n_train: number; n_test: number;
}
export interface RoundDetail {
  number: number; preset: string; image: string | null; started_at: string; finished: boolean;
  active: boolean; steps: Record<string, number>; fault: string | null;
  learnt: {
    table: TableRow[]; levels: number[]; ece: number;
    confused: { truth: string; truth_name: string; predicted: string; predicted_name: string; count: number; share: number }[];
  } | null;
}
export interface Rounds {
  items: RoundDetail[]; steps: string[]; presets: string[]; preset: string; gold: number;
  gold_leaves: number; jobs: Job[];
}
export interface Released {
  version: string; made_at: string; as_of: string; gold: number; hard_negatives: number;
  leaves: number; bytes: number;
  files: { path: string; bytes: number; rows: number | null; sha256: string }[];
}
export interface Releases {
  items: Released[]; broken: { version: string; fault: string }[]; gold: number; jobs: Job[];
}

/** A share with its 95% interval. */
export interface Proportion { hits: number; of: number; share: number | null; low: number; high: number }
export interface Agreement { agreed: Proportion; kappa: number | null }
export interface Speed {
  timed: number; median: number | null; p90: number | null; pauses: number; untimed: number;
}
export interface Worker {
  person: string; display_name: string; task: Task; decisions: number; unsure: Proportion;
  speed: Speed; agreement: Agreement; precision: Proportion; lately: Proportion; flags: string[];
  checks: { person: string; accuracy: Proportion; unsure: number } | null;
}
/** A leaf in numbers, and why it needs attention, if it does. */
export interface LeafRow {
  leaf: string; name: string; path: string[]; why: Record<string, string>; progress: LeafProgress;
  agreement: Agreement; precision: Proportion; speed: Speed;
}
export interface Dashboard {
  seq: number; days: { day: string; decisions: number; seconds: number; gold: number }[];
  gold: number; decisions: number; agreement: Agreement; precision: Proportion;
  seconds: number | null; people: Worker[];
  pairs: { first: string; second: string; agreement: Agreement }[];
  concerns: LeafRow[]; more_concerns: number;
  confused: { said: string; said_name: string; gold: string; gold_name: string; products: number; siblings: boolean }[];
  rounds: { number: number; table: TableRow[] }[];
}
export interface AuditPage { items: Card[]; left: number; answered: number; next_cursor: string | null }

/** What somebody, or a model, said of a product. */
export interface Said {
  role: "label" | "audit" | "adjudicate" | "import" | "challenge"; person: string;
  verdict: Verdict | null; note: string | null; at: string; leaf: string; leaf_name: string;
  model_version: string | null; probability: number | null;
}
export interface Dispute {
  product: Card; kind: "differ" | "two_leaves" | "challenged"; reason: string;
  leaf: string; leaves: string[]; answers: Said[];
}
export interface BesideDispute {
  name: string; path: string[]; guideline: Guideline; positives: Card[]; hard_negatives: Card[];
}
export interface DisputesPage {
  items: Dispute[]; leaves: Record<string, BesideDispute>; total: number;
  next_cursor: string | null;
}

export interface RecommendedLeaf {
  leaf: string; name: string; path: string[]; count: number; confident: number;
  verified: number; confidences: number[]; gold: number;
}
export interface RecommendedLeaves {
  round: number | null; model_version: string | null; leaves: RecommendedLeaf[];
}
export interface RecommendedProduct extends Card { confidence: number; rank: number }
export interface RecommendedPage {
  items: RecommendedProduct[]; round: number | null; model_version: string | null;
  confidences: number[]; left: number; next_cursor: string | null;
}

export interface Suspect {
  product: Card; leaf: string; name: string; path: string[]; given: Verdict; probability: number;
  rather: string | null; rather_name: string | null; answers: Said[];
}
export interface OpenedSuspect {
  product: Card; leaf: string; name: string; by: string; at: string; note: string | null;
  probability: number | null; yours: boolean;
}
export interface SuspectsPage {
  items: Suspect[]; total: number; open: OpenedSuspect[]; model_version: string;
  behind: number | null; looking: boolean; failure: string | null; next_cursor: string | null;
}

export interface LikeProduct extends Card { gold: string | null }
export interface LikeProducts { products: LikeProduct[]; count: number; leaves: number }
export interface LikeGroups { items: LikeProducts[]; total: number }

export type Severity = "error" | "warning" | "note";
export interface Flaw {
  inspection: string; kind: string; severity: Severity; seen: string; advice: string;
  action: string; leaves: { leaf: string; name: string }[]; more_leaves: number; products: Card[];
  count: number; field: string | null;
}
export interface FlawGroup {
  inspection: string; help: string; flaws: Flaw[]; total: number; skipped: string | null;
}
export interface Flaws {
  at: string | null; behind: number; pool_changed: boolean;
  severities: Partial<Record<Severity, number>>; groups: FlawGroup[]; to_review: number; jobs: Job[];
}
